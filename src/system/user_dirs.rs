//! Finds directories of the user: the run-time directory, which replaces `%r` in paths, and the directory of the configuration.

#[cfg(target_os = "linux")]
use std::env;
use std::path::PathBuf;
#[cfg(any(target_os = "macos", test))]
use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, process::Command, time::Duration};

#[cfg(any(target_os = "macos", test))]
use super::{child::Child, progress::Progress, root::Root};

/// The run-time directory: on Linux, the variable `XDG_RUNTIME_DIR`. On macOS, the directory for temporary files of this user, which
/// `getconf DARWIN_USER_TEMP_DIR` prints. `None` if there is none.
#[cfg(target_os = "linux")]
pub(crate) fn runtime() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The run-time directory: on Linux, the variable `XDG_RUNTIME_DIR`. On macOS, the directory for temporary files of this user, which
/// `getconf DARWIN_USER_TEMP_DIR` prints. `None` if there is none.
#[cfg(target_os = "macos")]
pub(crate) fn runtime() -> Option<PathBuf> {
    of_getconf(&Root::new("/"))
}

/// The directory of the configuration, below the home, if no variable names another. sops looks for keys in the same place.
pub(crate) const CONFIG: &str = if cfg!(target_os = "macos") {
    "Library/Application Support"
} else {
    ".config"
};

/// Asks getconf.
#[cfg(any(target_os = "macos", test))]
fn of_getconf(root: &Root) -> Option<PathBuf> {
    let mut getconf = Command::new(root.locate("/usr/bin/getconf"));
    let progress = Progress::about("getconf".to_owned());
    let child = Child::start(getconf.arg("DARWIN_USER_TEMP_DIR"), Duration::from_secs(10), progress).ok()?;
    let finished = child.finish().ok()?;
    // The directory is printed with a slash at its end.
    let printed = finished.output.expose().trim_ascii_end();
    let path = PathBuf::from(OsStr::from_bytes(printed.strip_suffix(b"/").unwrap_or(printed)));
    (finished.status.success() && path.is_absolute()).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::install::tests::script;

    /// What is found if a script with the body `answer` stands for getconf.
    fn found(answer: &str) -> Option<PathBuf> {
        let top = tempfile::tempdir().unwrap();
        let programs = top.path().join("usr/bin");
        fs::create_dir_all(&programs).unwrap();
        script(&programs.join("getconf"), answer);
        of_getconf(&Root::new(top.path()))
    }

    #[test]
    fn getconf_is_asked_for_the_directory() {
        let answer = r#"[ "$*" = DARWIN_USER_TEMP_DIR ] && echo /var/folders/x_/0123/T/"#;
        assert_eq!(found(answer).as_deref(), Some(Path::new("/var/folders/x_/0123/T")));
        for bad in ["exit 1", "echo /var/folders; exit 1", "echo relative", "true"] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }
}
