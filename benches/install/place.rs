//! Where secrets are installed: as root on ramfs in a mount namespace of the bench's own, otherwise in a directory in user mode.

use std::{env, fs, os::unix::process::CommandExt as _, path::PathBuf, process::Command};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::Uid,
};
use serde_json::{Value, json};

use crate::keys;

/// The place of all installations.
pub struct Place {
    /// The temporary directory, which is removed at the end of the bench.
    _directory: Option<tempfile::TempDir>,
    pub mount_point: PathBuf,
    pub link: PathBuf,
    pub is_user: bool,
}

impl Place {
    /// The place for whoever runs the bench, after [`start_over`].
    pub fn new() -> Self {
        if Uid::effective().is_root() {
            Self::system()
        } else {
            Self::user()
        }
    }

    fn system() -> Self {
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
        Self {
            _directory: None,
            mount_point: "/run/secrets.d".into(),
            link: "/run/secrets".into(),
            is_user: false,
        }
    }

    fn user() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (mount_point, link) = (directory.path().join("secrets.d"), directory.path().join("secrets"));
        Self {
            _directory: Some(directory),
            mount_point,
            link,
            is_user: true,
        }
    }

    /// Puts everything back into the state before the first run.
    pub fn clear(&self) {
        if !self.is_user {
            // A gpg-agent that the other program left behind may still use the mount.
            let _ = umount2(&self.mount_point, MntFlags::MNT_DETACH);
        }
        let _ = fs::remove_dir_all(&self.mount_point);
        let _ = fs::remove_file(&self.link);
    }

    /// The fields of a manifest that name the place.
    pub fn fields(&self) -> Value {
        json!({
            "secretsMountPoint": self.mount_point, "symlinkPath": self.link, "userMode": self.is_user, "keepGenerations": 1,
        })
    }
}

/// Starts this program over with `arguments`: for root in a mount namespace of its own, which takes every mount with it when it ends.
/// All programs find the age plugin of the tests.
pub fn start_over(arguments: &[String]) {
    let this = env::current_exe().unwrap();
    let mut command = if Uid::effective().is_root() {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--propagation", "private", "--"]).arg(this);
        unshare
    } else {
        Command::new(this)
    };
    let error = command
        .arg("--inside")
        .args(arguments)
        .env("PATH", keys::path_with_plugin())
        .exec();
    panic!("cannot start the bench over: {error}");
}
