//! Finding the programs to start: one rule for gpg, age plugins and key commands.

use std::{
    env,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// A program by its path or, if that has no slash, in the first directory of `search_path` that has it. Only absolute directories are
/// searched: an empty or relative one would depend on the directory in which this process was started.
pub(crate) fn find(program: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if program.as_bytes().contains(&b'/') {
        // What cannot be run is to be told with the system's reason.
        return path.exists().then(|| path.to_owned());
    }
    let directories = env::split_paths(search_path).filter(|directory| directory.is_absolute());
    directories
        .map(|directory| directory.join(path))
        .find(|path| is_program(path))
}

/// Whether this is a file that we may run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_name_is_looked_for_in_absolute_directories_and_passes_what_is_no_program() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let base = directory.path().canonicalize().unwrap();
        for (name, mode) in [("plain", 0o644), ("good", 0o755)] {
            fs::create_dir(base.join(name)).unwrap();
            fs::write(base.join(name).join("it"), "").unwrap();
            fs::set_permissions(base.join(name).join("it"), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir_all(base.join("folder/it")).unwrap();
        let search = |directories: &[PathBuf]| find(OsStr::new("it"), &env::join_paths(directories).unwrap());
        let good = base.join("good");
        let all = [base.join("folder"), base.join("plain"), good.clone()];
        assert_eq!(search(&all), Some(good.join("it")));
        let relative = Path::new(directory.path().file_name().unwrap()).join("good");
        assert!(relative.join("it").exists());
        assert_eq!(search(&[relative, PathBuf::new()]), None);
    }

    #[test]
    fn a_path_is_not_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("it");
        assert_eq!(find(path.as_os_str(), OsStr::new("/")), None);
        fs::write(&path, "").unwrap();
        assert_eq!(find(path.as_os_str(), &OsString::new()), Some(path));
    }
}
