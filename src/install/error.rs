//! The errors of a publication, and their messages.

use std::{fmt, io, path::Path};

use rustix::{io::Errno, process::geteuid};

use super::{entry::Entry, units::UnitError};
use crate::{
    system::{memory::NOT_IN_MEMORY, read::reason},
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// Why no generation was published, or which step failed after a generation was published.
#[derive(Debug)]
pub struct InstallError {
    /// What failed, why, and what to do about it.
    pub diagnosis: Diagnosis,
    /// Whether this run failed only because a signal told it to end.
    pub is_stopped: bool,
}

impl InstallError {
    /// The same error, with the entry named at the beginning of the message.
    pub(crate) fn of(self, entry: &Entry<'_>) -> Self {
        Self {
            diagnosis: self.diagnosis.of(entry.shown()),
            ..self
        }
    }

    pub(crate) fn new(cause: String, remedy: impl Into<String>) -> Self {
        Diagnosis::new(cause, remedy).into()
    }

    /// The same error, with `object` before the cause: what failed, or what stays as it was.
    pub(crate) fn about(self, object: impl fmt::Display) -> Self {
        Self {
            diagnosis: self.diagnosis.of(object),
            ..self
        }
    }

    /// Another run has held the lock for longer than this run waits. `holder` is the process that has locked `lock`. It is `None`
    /// if the kernel does not name that process.
    pub(crate) fn busy(mount_point: &Path, lock: &Path, holder: Option<u32>, seconds: u64) -> Self {
        let process = holder.map_or_else(String::new, |process| format!(" (process {process})"));
        let cause = format!(
            "{} is locked by another run{process}, which did not end within {seconds} s; nothing was changed",
            shown(mount_point)
        );
        match holder {
            Some(process) => Self::new(
                cause,
                format!("if that process hangs, end it and run this again; to see what it does, run: ps -fp {process}"),
            ),
            None if cfg!(target_os = "macos") => {
                Self::new(cause, format!("to see which process it is, run: lsof {}", shown(lock)))
            }
            None => Self::new(cause, format!("to see which process it is, run: fuser -v {}", shown(lock))),
        }
    }

    /// Other runs have published so often that this run never saw the link with the same target twice.
    pub(crate) fn restless(link: &Path, seconds: u64) -> Self {
        Self::new(
            format!(
                "other runs changed {} again and again for {seconds} s; nothing was changed by this run",
                shown(link)
            ),
            "find out what starts this program so often, and run this again",
        )
    }

    /// SIGTERM or SIGINT told this run to end, and nothing was changed.
    pub(crate) fn stopped(link: &Path) -> Self {
        let link = shown(link);
        Self {
            diagnosis: Diagnosis::bare(format!(
                "this run was told to end before it changed anything; {link} is unchanged"
            )),
            is_stopped: true,
        }
    }

    /// The mount is not allowed, and the directory is on a disk. `kind` is `ramfs` or `tmpfs`.
    pub(crate) fn mount_refused(mount_point: &Path, kind: &str, cause: Errno) -> Self {
        let place = shown(mount_point);
        Self::new(
            format!(
                "cannot mount {kind} on {place}: {}, so secrets would be written to a disk",
                reason(&cause)
            ),
            format!("allow this container to mount, or mount a tmpfs on {place} from outside"),
        )
    }

    /// A program of macOS that makes a memory disk failed. `cause` names the program, and says why.
    #[cfg(any(target_os = "macos", test))]
    pub(crate) fn no_memory_disk(mount_point: &Path, cause: &str) -> Self {
        Self::new(
            format!("cannot make a memory disk for {}: {cause}", shown(mount_point)),
            "to see the disks that are attached, run: hdiutil info",
        )
    }

    /// The file system that is mounted at the mount point is not in memory.
    pub(crate) fn wrong_file_system(mount_point: &Path) -> Self {
        let place = shell::path(mount_point);
        let remedy = if cfg!(target_os = "macos") {
            // Unmounted alone, its disk would stay attached.
            format!("run: hdiutil detach {place}")
        } else {
            format!("run: umount {place}")
        };
        Self::new(
            format!(
                "the file system mounted on {} is {NOT_IN_MEMORY}, so secrets would be written to a disk",
                shown(mount_point)
            ),
            remedy,
        )
    }

    /// The mount ignores the owners of files, as macOS allows for disks that can be removed.
    pub(crate) fn owners_ignored(mount_point: &Path) -> Self {
        Self::new(
            format!(
                "the file system mounted on {} ignores the owners of files, so every user could read the secrets",
                shown(mount_point)
            ),
            format!("run: diskutil enableOwnership {}", shell::path(mount_point)),
        )
    }

    /// The mount point is a symlink, so secrets would be written to an unknown directory.
    pub(crate) fn symlinked_mount_point(mount_point: &Path) -> Self {
        Self::new(
            format!(
                "cannot open {}: it is a symlink, so secrets would be written to another directory",
                shown(mount_point)
            ),
            "remove the symlink, or declare the directory that it leads to",
        )
    }

    /// What lies at the path of a watch file is not a watch file of this program.
    pub(crate) fn foreign_watch_file(path: &Path) -> Self {
        Self::new(
            format!("cannot write the watch file {}: something else is there", shown(path)),
            "move it away, or choose another path",
        )
    }

    /// A file system is mounted at the path where a link belongs.
    pub(crate) fn mounted_over(path: &Path) -> Self {
        Self::new(
            format!("cannot put a link in place of {}: something is mounted there", shown(path)),
            format!("run: umount {}", shell::path(path)),
        )
    }

    /// The directory for user mode belongs to another user, who could read and replace the secrets.
    pub(crate) fn foreign_directory(mount_point: &Path, owner: u32) -> Self {
        Self::new(
            format!(
                "{} belongs to the user with uid {owner}, who could read and replace the secrets",
                shown(mount_point)
            ),
            "choose another directory",
        )
    }

    /// The kernel reported that the mount of `kind` succeeded, but nothing is mounted there.
    pub(crate) fn mount_lost(mount_point: &Path, kind: &str) -> Self {
        Self::new(
            format!("{kind} was mounted on {}, but is gone again", shown(mount_point)),
            "find out which program unmounts it, and run this again",
        )
    }

    /// Another run has published while this run waited for the checks of templates.
    pub(crate) fn overtaken(link: &Path) -> Self {
        Self::new(
            format!(
                "another run published {} during the checks of templates; nothing was changed by this run",
                shown(link)
            ),
            "run this again",
        )
    }

    /// Some entries of this run failed, and another run published meanwhile. The generation of the other run stays live.
    pub(crate) fn already_live(link: &Path) -> Self {
        Self::new(
            format!(
                "some secrets of this run failed, and another run has just published {}; so this run changed nothing",
                shown(link)
            ),
            "repair the faults named above, and run this again",
        )
    }

    /// The live generation has the highest possible number, so the next generation has no number.
    pub(crate) fn numbers_exhausted(link: &Path) -> Self {
        Self::new(
            format!("{} leads to the generation with the highest possible number", shown(link)),
            "remove the link, and run this again",
        )
    }

    /// A name with more than `limit` parts.
    pub(crate) fn too_deep(name: &str, limit: usize) -> Self {
        Self::new(
            format!("the name {name:?} has more than {limit} parts"),
            "choose a name with fewer parts",
        )
    }

    /// The link lies in the mount point.
    pub(crate) fn link_in_mount_point(link: &Path, mount_point: &Path) -> Self {
        Self::nested("symlinkPath", link, "secretsMountPoint", mount_point)
    }

    /// The mount point lies below the link.
    pub(crate) fn mount_point_below_link(link: &Path, mount_point: &Path) -> Self {
        Self::nested("secretsMountPoint", mount_point, "symlinkPath", link)
    }

    fn nested(field: &str, inner: &Path, other: &str, outer: &Path) -> Self {
        let cause = if inner == outer {
            format!("{field} and {other} are both {}", shown(inner))
        } else {
            format!("{field} {} is inside {other} {}", shown(inner), shown(outer))
        };
        Self::new(cause, "choose two paths, neither of which is inside the other")
    }

    /// Another program replaced a directory or link that this run had just made.
    pub(crate) fn interference(path: &Path) -> Self {
        Self::new(
            format!("another program replaced {} while this run was making it", shown(path)),
            "run this again",
        )
    }
}

/// Makes the error of a failed system call. `action` is a verb whose object is the path:
/// `open(path).map_err(failed("open", path))`.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> InstallError {
    move |cause| {
        let diagnosis = Diagnosis {
            cause: format!("cannot {action} {}: {}", shown(path), reason(&cause)),
            remedy: remedy(cause).map(str::to_owned),
        };
        diagnosis.into()
    }
}

/// The remedy for a full or read-only file system, or for a missing permission; `None` for any other error number.
fn remedy(cause: Errno) -> Option<&'static str> {
    match cause {
        Errno::NOSPC | Errno::DQUOT => Some("to see which file system is full, run: df -h; df -i"),
        Errno::ACCESS | Errno::PERM if !geteuid().is_root() => {
            Some("run this as root; in user mode, choose a directory of your own")
        }
        Errno::ROFS => Some("choose a path on another file system, or mount this file system for writing"),
        _ => None,
    }
}

/// The error number of an I/O error; `EIO` if the error has no number.
pub(crate) fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl From<Diagnosis> for InstallError {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            diagnosis,
            is_stopped: false,
        }
    }
}

impl From<UnitError> for InstallError {
    fn from(error: UnitError) -> Self {
        Diagnosis::bare(error.to_string()).into()
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis.fmt(f)
    }
}
