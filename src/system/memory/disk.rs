//! Makes a memory disk with the programs of macOS.
//!
//! There is no system call for this. `hdiutil attach` makes a disk of memory, `newfs_hfs` formats it, and `mount` mounts it. The
//! programs are named by their whole paths: a launchd job has a search path without `/sbin`, and whoever can change the search path
//! must not choose what runs as root.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, process::Command, time::Duration};

use super::mount_error::MountError;
use crate::system::{child::Child, read::reason, root::Root};

/// What messages call the file system.
pub(crate) const KIND: &str = "memory disk";

/// The file by which a memory disk is recognized. sops-nix makes a file of the same name.
pub(crate) const MARK: &str = "sops-nix-secretfs";

/// The size of a memory disk: 64 MiB, in sectors of 512 bytes. sops-nix makes disks of the same size.
const SECTORS: u32 = 64 * 1024 * 1024 / 512;

/// How long each program may take. `hdiutil` waits for services that start late at boot.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a memory disk, mounts it at `at`, and marks it. `root` stands for `/` in the paths of the programs.
///
/// # Errors
///
/// If a program fails, or the disk cannot be marked. Then the disk is removed again.
pub(crate) fn attach(root: &Root, at: &Path) -> Result<(), MountError> {
    let disk = hdiutil(root, &["attach", "-nomount", &format!("ram://{SECTORS}")])?;
    // The name of the disk is followed by spaces.
    let disk = disk.split_whitespace().next().unwrap_or_default();
    if !disk.starts_with("/dev/") {
        return Err(MountError::Program("hdiutil named no disk".to_owned()));
    }
    let mounted = fill(root, disk, at);
    if mounted.is_err() {
        // The error is ignored, because the error before says more.
        let _ = hdiutil(root, &["detach", disk, "-force"]);
    }
    mounted
}

/// Formats `disk`, mounts it at `at`, and marks it.
fn fill(root: &Root, disk: &str, at: &Path) -> Result<(), MountError> {
    // `-s`: names differ by upper and lower case, as on Linux.
    output(Command::new(root.locate("/sbin/newfs_hfs")).args(["-s", disk]))?;
    let options = "nobrowse,nodev,nosuid,noexec";
    let mut mount = Command::new(root.locate("/sbin/mount"));
    output(mount.args(["-t", "hfs", "-o", options, disk]).arg(at))?;
    let mark = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at.join(MARK));
    mark.map(drop)
        .map_err(|error| MountError::Program(format!("the new disk cannot be marked: {}", reason(&error))))
}

/// Runs hdiutil, and returns its output.
fn hdiutil(root: &Root, arguments: &[&str]) -> Result<String, MountError> {
    output(Command::new(root.locate("/usr/bin/hdiutil")).args(arguments))
}

/// Runs a program, and returns its output.
///
/// # Errors
///
/// If the program cannot be run, or fails. Its last words are in the error.
fn output(command: &mut Command) -> Result<String, MountError> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or_default().display().to_string();
    let fail = |cause: &str| MountError::Program(format!("{name}: {cause}"));
    let finished = Child::start(command, TIMEOUT)
        .and_then(Child::finish)
        .map_err(|error| fail(&error.to_string()))?;
    if !finished.status.success() {
        let words = finished.stderr.lines().last().unwrap_or_default();
        return Err(fail(if words.is_empty() { "it failed without a word" } else { words }));
    }
    Ok(String::from_utf8_lossy(finished.output.expose()).into_owned())
}
