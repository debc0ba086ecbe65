//! Makes a memory disk with the programs of macOS.
//!
//! There is no system call for this. `hdiutil attach` makes a disk of memory, `newfs_hfs` formats it, and `mount` mounts it.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    hdiutil::{self, output},
    left_disks,
    mount_error::MountError,
};
use crate::{
    system::{child::Child, read::reason, root::Root},
    text::printable::shown,
};

/// What messages call the file system.
pub(crate) const KIND: &str = "memory disk";

/// The file by which a memory disk is recognized. sops-nix makes a file of the same name.
pub(crate) const MARK: &str = "sops-nix-secretfs";

/// How long each program that fills the disk may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a memory disk, mounts it at `at`, and marks it. `root` stands for `/` in the paths of the programs.
///
/// # Errors
///
/// If a program fails, if the disk cannot be marked, or if this process is told to end. Then the disk is removed again.
pub(crate) fn attach(root: &Root, at: &Path) -> Result<(), MountError> {
    let disk = hdiutil::attach(root)?;
    close(root, &disk);
    fill(root, &disk, at).inspect_err(|_| hdiutil::detach(root, &disk, true))?;
    left_disks::remove(root);
    Ok(())
}

/// Takes the rights of others from both devices of `disk`, before anything is on it. Whoever can read a device can read all that is on
/// the disk, whatever rights the files have. Without this, a user's disk belongs to the group of all people.
fn close(root: &Root, disk: &str) {
    for device in [disk.to_owned(), disk.replacen("/dev/", "/dev/r", 1)] {
        let device = root.locate(device);
        if let Err(error) = fs::set_permissions(&device, Permissions::from_mode(0o600)) {
            tracing::warn!(
                "cannot close {} to other users of this Mac: {}",
                shown(&device),
                reason(&error)
            );
        }
    }
}

/// Formats `disk`, mounts it at `at`, and marks it.
fn fill(root: &Root, disk: &str, at: &Path) -> Result<(), MountError> {
    // `-s`: names differ by upper and lower case, as on Linux.
    output(
        Command::new(root.locate("/sbin/newfs_hfs")).args(["-s", disk]),
        TIMEOUT,
        Child::finish,
    )?;
    let options = "nobrowse,nodev,nosuid,noexec";
    let mut mount = Command::new(root.locate("/sbin/mount"));
    output(mount.args(["-t", "hfs", "-o", options, disk]).arg(at), TIMEOUT, Child::finish)?;
    let mark = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at.join(MARK));
    mark.map(drop)
        .map_err(|error| MountError::Program(format!("the new disk cannot be marked: {}", reason(&error))))
}
