//! Calls the program of macOS that makes and removes disks, and reads what it prints.
//!
//! There is no system call for this. The programs are named by their whole paths: a launchd job has a search path without `/sbin`, and
//! whoever can change the search path must not choose what runs as root.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::mount_error::MountError;
use crate::system::{
    child::{Child, Finished},
    child_end,
    child_error::ChildError,
    progress::Progress,
    root::Root,
};

const HDIUTIL: &str = "/usr/bin/hdiutil";

/// The size of a memory disk, in bytes: 64 MiB. sops-nix makes disks of the same size.
pub(crate) const SIZE: u64 = 64 << 20;

/// How long the making of a disk may take: 2 minutes. `hdiutil` waits for services that start late at boot.
const ATTACH_TIMEOUT: Duration = Duration::from_mins(2);

/// How long the list of disks may take. Nothing depends on the list.
const INFO_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the removal of a disk is waited for. launchd kills a job 20 seconds after it has told the job to end.
const DETACH_TIMEOUT: Duration = Duration::from_secs(10);

/// A command that calls `hdiutil` below `root`, which stands for `/`.
fn hdiutil(root: &Root) -> Command {
    Command::new(root.locate(HDIUTIL))
}

/// What `hdiutil` calls a memory disk of [`SIZE`]: its size in sectors of 512 bytes.
fn image() -> String {
    format!("ram://{}", SIZE / 512)
}

/// Makes a memory disk. Returns its name, such as `/dev/disk4`. If this process is told to end meanwhile, the disk is made nevertheless:
/// the caller has to know its name to remove it.
///
/// # Errors
///
/// If `hdiutil` fails, or names no disk.
pub(crate) fn attach(root: &Root) -> Result<String, MountError> {
    // On some versions of macOS, hdiutil starts a process that holds the memory of the disk. So nothing that it has started is killed.
    let mut command = hdiutil(root);
    let printed = output(
        command.args(["attach", "-nomount", &image()]),
        ATTACH_TIMEOUT,
        Child::finish_alone,
    )?;
    named(&printed).map_or_else(
        || Err(MountError::Program("hdiutil named no disk".to_owned())),
        |disk| Ok(disk.to_owned()),
    )
}

/// The disk that `hdiutil attach` has made, by what it has printed. The first line has the whole disk, with spaces and tabs behind its
/// name.
fn named(printed: &str) -> Option<&str> {
    printed.split_whitespace().next().filter(|word| is_disk(word))
}

/// Whether `name` is that of a disk, and not that of a part of one, which ends with `s` and a number.
fn is_disk(name: &str) -> bool {
    name.strip_prefix("/dev/disk")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The memory disks of [`SIZE`] that are attached, and have no part and no mount point. There are none if `hdiutil` fails.
pub(crate) fn bare_disks(root: &Root) -> Vec<String> {
    let info = output(hdiutil(root).arg("info"), INFO_TIMEOUT, Child::finish).unwrap_or_default();
    let lines: Vec<_> = info.lines().collect();
    let images = lines.split(|line| line.starts_with("===="));
    images.filter_map(bare_disk).map(str::to_owned).collect()
}

/// The disk of an image, if the image is a memory disk of [`SIZE`], and has neither a part nor a mount point. `lines` are what `hdiutil
/// info` prints of the image: lines of names and values, and then a line for each device, with its type and its mount point.
fn bare_disk<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let is_path = |name: &str, value: &str| name.trim_end() == "image-path" && value.trim() == image();
    let is_ours = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| is_path(name, value));
    let mut devices = lines.iter().filter(|line| line.starts_with("/dev/"));
    match (devices.next()?.trim_end(), devices.next()) {
        (disk, None) if is_ours && is_disk(disk) => Some(disk),
        _ => None,
    }
}

/// Removes `disk`. If it `is_used`, what is mounted from it goes as well. A failure is not reported. This is done also if this process
/// is told to end, when no [`Child`] can be started.
pub(crate) fn detach(root: &Root, disk: &str, is_used: bool) {
    let mut command = hdiutil(root);
    command.args(["detach", disk]).args(is_used.then_some("-force"));
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = silent.process_group(0).spawn() else {
        return;
    };
    let Ok(end) = child_end::watch(&child) else { return };
    let timeout = Timespec::try_from(DETACH_TIMEOUT).unwrap_or_default();
    let _ = poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&timeout));
    let _ = child.try_wait();
}

/// Runs a program, waits for it by `finish` for at most `timeout`, and returns its output.
///
/// # Errors
///
/// If the program cannot be run, or fails. Its last words are in the error.
pub(crate) fn output(
    command: &mut Command,
    timeout: Duration,
    finish: fn(Child) -> Result<Finished, ChildError>,
) -> Result<String, MountError> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or_default().display().to_string();
    let fail = |cause: &str| MountError::Program(format!("{name}: {cause}"));
    let progress = Progress::about(format!("the program {name}"));
    let finished = Child::start(command, timeout, progress)
        .and_then(finish)
        .map_err(|error| fail(&error.to_string()))?;
    if !finished.status.success() {
        let words = finished.stderr.lines().last().unwrap_or_default();
        return Err(fail(if words.is_empty() { "it failed without a word" } else { words }));
    }
    Ok(String::from_utf8_lossy(finished.output.expose()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `hdiutil info` prints of a memory disk of so many sectors, with these lines for its devices.
    fn memory(sectors: u32, devices: &str) -> String {
        format!(
            "image-path      : ram://{sectors}\nshadow-path     : <none>\nimage-type      : read/write\nblockcount      : {sectors}\n\
             blocksize       : 512\nautodiskmount   : false\nmounting user   : root\nmounting mode   : <unknown>\n\
             process ID      : 91006\nframework name  : DiskImages\n{devices}\n"
        )
    }

    fn found(image: &str) -> Option<&str> {
        bare_disk(&image.lines().collect::<Vec<_>>())
    }

    #[test]
    fn a_disk_is_named_in_the_first_line() {
        for (printed, disk) in [
            ("/dev/disk4          \t         \t\n", Some("/dev/disk4")),
            ("/dev/disk12\n", Some("/dev/disk12")),
            // An image with parts. A memory disk has none.
            (
                "/dev/disk4          \tGUID_partition_scheme\t\n/dev/disk4s1\tApple_HFS\t\n",
                Some("/dev/disk4"),
            ),
            ("/dev/disk4s1\tApple_HFS\t/Volumes/X\n", None),
            ("/dev/disk\n", None),
            ("/dev/disk4;x\n", None),
            ("/dev/rdisk4\n", None),
            ("", None),
        ] {
            assert_eq!(named(printed), disk, "{printed:?}");
        }
    }

    #[test]
    fn a_bare_disk_is_a_memory_disk_of_our_size_without_parts_and_mounts() {
        assert_eq!(found(&memory(131_072, "/dev/disk138\t\t")), Some("/dev/disk138"));
        for other in [
            // Another size.
            memory(16_777_216, "/dev/disk138\t\t"),
            memory(1_310_720, "/dev/disk138\t\t"),
            // Mounted; with a type; with parts; not attached.
            memory(131_072, "/dev/disk138\t\t/private/run/secrets.d"),
            memory(131_072, "/dev/disk138\tApple_HFS\t"),
            memory(131_072, "/dev/disk138\t\t\n/dev/disk138s1\tApple_HFS\t/Volumes/RAM"),
            memory(131_072, ""),
            // No memory.
            "image-path      : /Users/alice/ram://131072.dmg\nimage-alias     : ram://131072\n/dev/disk5\t\t\n".to_owned(),
            "framework       : 683.160.3\ndriver          : 683.160.3\nimages          : 3\n".to_owned(),
        ] {
            assert_eq!(found(&other), None, "{other}");
        }
    }
}
