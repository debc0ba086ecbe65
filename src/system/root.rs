//! The root directory below which secrets are installed, and the paths below it that no manifest names.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{fs::Uid, io::Errno};

use super::handle;

/// Where sshd keeps the keys of the host.
pub(crate) const SSHD: &str = "/etc/ssh";

/// The directory in which `switch-to-configuration` keeps its state, and reads lists of units.
pub(crate) const UNIT_LISTS: &str = "/run/nixos";

/// The directory that stands for `/`. The program uses `/` itself, and a test uses a directory of its own. The files and links that
/// are installed lie below this directory, and so do the files of the system that this type names. Everything else belongs to the
/// real system: sops files and keys are read where they are, owners are looked up in the real user database, and `systemctl`
/// reaches the real systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The absolute path `directory` stands for `/`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The path below this root that stands for the absolute path `path`. A relative path is returned unchanged, so that the caller
    /// can refuse it.
    #[must_use]
    pub fn locate(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        match path.strip_prefix("/") {
            Ok(below) => self.0.join(below),
            Err(_) => path.to_owned(),
        }
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens the directory, only to look up paths below it.
    pub(crate) fn open(&self) -> Result<OwnedFd, Errno> {
        handle::open_directory(&self.0)
    }

    /// The file that lists users with their homes (passwd(5)).
    pub(crate) fn passwd(&self) -> PathBuf {
        self.locate("/etc/passwd")
    }

    /// The run-time directory of a user, which systemd makes when the user logs in.
    pub(crate) fn runtime_dir(&self, user: Uid) -> PathBuf {
        self.locate(format!("/run/user/{}", user.as_raw()))
    }

    /// The directory that homes usually are in.
    pub(crate) fn homes(&self) -> PathBuf {
        self.locate(if cfg!(target_os = "macos") { "/Users" } else { "/home" })
    }

    /// The ledger of the system: what was made outside the mount points.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.locate("/var/lib/sops-nix/ledger.json")
    }

    /// [`UNIT_LISTS`] below this root.
    pub(crate) fn unit_lists(&self) -> PathBuf {
        self.locate(UNIT_LISTS)
    }

    /// The file that says which process holds which lock (`proc_locks`(5)).
    pub(crate) fn locks(&self) -> PathBuf {
        self.locate("/proc/locks")
    }

    /// The directory of a process, which exists as long as the process.
    pub(crate) fn process(&self, id: u32) -> PathBuf {
        self.locate(format!("/proc/{id}"))
    }

    /// The file that lists the mounts that this process sees (`proc_pid_mountinfo`(5)).
    pub(crate) fn mounts(&self) -> PathBuf {
        self.locate("/proc/self/mountinfo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_stays_relative() {
        for directory in ["/", "/installed"] {
            let root = Root::new(directory);
            for path in ["run/secrets", "", "./a"] {
                assert_eq!(root.locate(path), Path::new(path), "{directory} {path}");
            }
        }
        assert_eq!(
            Root::new("/installed").locate("/run/secrets"),
            Path::new("/installed/run/secrets")
        );
    }
}
