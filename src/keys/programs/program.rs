//! Finds the programs to start, by the same rule for gpg, age plugins and key commands.

use std::{
    env,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// Finds a program. A name with a slash is a path. A name without a slash is looked for in the directories of `search_path`,
/// in their order.
///
/// Only absolute directories are searched. The meaning of an empty or relative directory would depend on the directory in
/// which this process was started.
pub(crate) fn find(program: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if program.as_bytes().contains(&b'/') {
        // A file that cannot be run is returned too. The attempt to start the file gives the system's reason for the message.
        return path.exists().then(|| path.to_owned());
    }
    let directories = env::split_paths(search_path).filter(|directory| directory.is_absolute());
    directories
        .map(|directory| directory.join(path))
        .find(|path| is_program(path))
}

/// Whether `path` is a file that this process may run.
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
