//! Makes a memory disk with the programs of macOS.
//!
//! There is no system call for this. `hdiutil attach` makes a disk of memory, `newfs_hfs` formats it, and `mount` mounts it. The
//! programs are named by their whole paths: a launchd job has a search path without `/sbin`, and whoever can change the search path
//! must not choose what runs as root.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::mount_error::MountError;
use crate::{
    system::{
        child::{Child, Finished},
        child_end,
        child_error::ChildError,
        read::reason,
        root::Root,
    },
    text::printable::shown,
};

/// What messages call the file system.
pub(crate) const KIND: &str = "memory disk";

/// The file by which a memory disk is recognized. sops-nix makes a file of the same name.
pub(crate) const MARK: &str = "sops-nix-secretfs";

/// The program that makes and removes disks.
const HDIUTIL: &str = "/usr/bin/hdiutil";

/// The size of a memory disk: 64 MiB, in sectors of 512 bytes. sops-nix makes disks of the same size.
const SECTORS: u32 = 64 * 1024 * 1024 / 512;

/// How long each program may take. `hdiutil` waits for services that start late at boot.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long the removal of a disk is waited for. launchd kills a job 20 seconds after it has told the job to end.
const DETACH_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes a memory disk, mounts it at `at`, and marks it. `root` stands for `/` in the paths of the programs.
///
/// # Errors
///
/// If a program fails, if the disk cannot be marked, or if this process is told to end. Then the disk is removed again.
pub(crate) fn attach(root: &Root, at: &Path) -> Result<(), MountError> {
    let memory = format!("ram://{SECTORS}");
    let mut hdiutil = Command::new(root.locate(HDIUTIL));
    // On some versions of macOS, hdiutil starts a process that holds the memory of the disk. So nothing that it has started is killed.
    let output = output(hdiutil.args(["attach", "-nomount", &memory]), Child::finish_alone)?;
    // The name of the disk is followed by spaces.
    let disk = output.split_whitespace().next().unwrap_or_default();
    if !disk.starts_with("/dev/disk") {
        return Err(MountError::Program("hdiutil named no disk".to_owned()));
    }
    close(root, disk);
    fill(root, disk, at).inspect_err(|_| detach(root, disk))
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
    output(Command::new(root.locate("/sbin/newfs_hfs")).args(["-s", disk]), Child::finish)?;
    let options = "nobrowse,nodev,nosuid,noexec";
    let mut mount = Command::new(root.locate("/sbin/mount"));
    output(mount.args(["-t", "hfs", "-o", options, disk]).arg(at), Child::finish)?;
    let mark = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at.join(MARK));
    mark.map(drop)
        .map_err(|error| MountError::Program(format!("the new disk cannot be marked: {}", reason(&error))))
}

/// Removes `disk`, and what is mounted from it. A failure is not reported, because the error that led here says more. This is done also
/// if this process is told to end, when no [`Child`] can be started.
fn detach(root: &Root, disk: &str) {
    let mut hdiutil = Command::new(root.locate(HDIUTIL));
    hdiutil.args(["detach", disk, "-force"]).process_group(0);
    let silent = hdiutil.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = silent.spawn() else { return };
    let Ok(end) = child_end::watch(&child) else { return };
    let timeout = Timespec::try_from(DETACH_TIMEOUT).unwrap_or_default();
    let _ = poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&timeout));
    let _ = child.try_wait();
}

/// Runs a program, waits for it by `finish`, and returns its output.
///
/// # Errors
///
/// If the program cannot be run, or fails. Its last words are in the error.
fn output(command: &mut Command, finish: fn(Child) -> Result<Finished, ChildError>) -> Result<String, MountError> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or_default().display().to_string();
    let fail = |cause: &str| MountError::Program(format!("{name}: {cause}"));
    let finished = Child::start(command, TIMEOUT)
        .and_then(finish)
        .map_err(|error| fail(&error.to_string()))?;
    if !finished.status.success() {
        let words = finished.stderr.lines().last().unwrap_or_default();
        return Err(fail(if words.is_empty() { "it failed without a word" } else { words }));
    }
    Ok(String::from_utf8_lossy(finished.output.expose()).into_owned())
}
