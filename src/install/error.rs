//! The errors of a publication, and their messages.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::{io::Errno, process::geteuid};

use super::{units::UnitError, writers::Writer};
use crate::{system::read::reason, text::shell};

/// Why a generation was not published, or what failed although it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A system call on a file failed.
    #[error("cannot {action} {}: {}{}", .path.display(), reason(.cause), remedy(*.cause))]
    System {
        /// What was attempted, as a verb that takes the path as its object.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        cause: Errno,
    },
    /// Another run holds the lock for longer than we wait.
    #[error("{} has been locked by another run{} for the {seconds} s that we waited; nothing was changed; {}", .mount_point.display(), of_process(*.holder), look_at(*.holder, .lock))]
    Busy {
        /// What it protects.
        mount_point: PathBuf,
        /// What is locked.
        lock: PathBuf,
        /// The process that has locked it, if the kernel tells.
        holder: Option<u32>,
        /// How long this run waited, in seconds.
        seconds: u64,
    },
    /// A signal told this run to end.
    #[error("this run was told to end before it changed anything; {} is as it was", .link.display())]
    Stopped {
        /// The link to the live generation.
        link: PathBuf,
    },
    /// The mount is not allowed, and the directory is on a disk.
    #[error("cannot mount {kind} on {}: {}; without it secrets would be written to a disk: allow this container to mount, or mount a tmpfs on {} from outside", .mount_point.display(), reason(.cause), .mount_point.display())]
    MountRefused {
        /// The directory.
        mount_point: PathBuf,
        /// `ramfs` or `tmpfs`.
        kind: &'static str,
        /// What the kernel said.
        cause: Errno,
    },
    /// Something that is not in memory is mounted where the secrets belong.
    #[error("the file system mounted on {} is neither ramfs nor tmpfs: secrets would be written to a disk; run: umount {}", .mount_point.display(), shell::path(.mount_point))]
    WrongFileSystem {
        /// The directory.
        mount_point: PathBuf,
    },
    /// The mount point is a symlink, and could lead anywhere.
    #[error("cannot open {}: it is a symlink, and secrets would be written to where it leads; remove it, or declare the directory that it stands for", .mount_point.display())]
    SymlinkedMountPoint {
        /// The symlink.
        mount_point: PathBuf,
    },
    /// Something is mounted where a link belongs.
    #[error("cannot put a link in place of {}: something is mounted there; run: umount {}", .path.display(), shell::path(.path))]
    MountPoint {
        /// Where the link belongs.
        path: PathBuf,
    },
    /// The directory of user mode belongs to another user, who could read and replace the secrets.
    #[error("{} belongs to uid {owner}, who could read and replace the secrets; choose another directory", .mount_point.display())]
    ForeignDirectory {
        /// The directory.
        mount_point: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The kernel reported that the mount succeeded, but nothing is mounted there.
    #[error("{kind} was mounted on {}, but is not seen there; is something else mounting or unmounting it?", .mount_point.display())]
    MountLost {
        /// The directory.
        mount_point: PathBuf,
        /// `ramfs` or `tmpfs`.
        kind: &'static str,
    },
    /// Another run has published meanwhile.
    #[error("another run has published {} meanwhile; its secrets are kept, because some of this run failed", .link.display())]
    AlreadyLive {
        /// The link to the live generation.
        link: PathBuf,
    },
    /// No number is left for the next generation.
    #[error("{} leads to the highest number that a generation can have; remove the link and run again", .link.display())]
    NumbersExhausted {
        /// The link to the live generation.
        link: PathBuf,
    },
    /// A name with too many parts.
    #[error("the name {name:?} has more than {limit} parts")]
    TooDeep {
        /// The name, relative to its generation.
        name: String,
        /// The most parts that we handle.
        limit: usize,
    },
    /// A path is relative, or contains `..`.
    #[error("the path {} must be absolute, without \"..\"", .path.display())]
    NotPlain {
        /// The path as declared.
        path: PathBuf,
    },
    /// A path that another entry has too.
    #[error("{what} has the path {}, where {other} is; choose another", .path.display())]
    SamePlace {
        /// The entry.
        what: String,
        /// Its path as declared.
        path: PathBuf,
        /// The other entry.
        other: String,
    },
    /// A path above or below that of another entry.
    #[error("{what} has the path {}, which {other} stands in the way of; choose another", .path.display())]
    InTheWay {
        /// The entry.
        what: String,
        /// Its path as declared.
        path: PathBuf,
        /// The other entry.
        other: String,
    },
    /// A declared path is in the way of the link or the mount point, or is a reserved name in the mount point.
    #[error("{what} has the path {}, which belongs to the generations; choose another", .path.display())]
    OfGenerations {
        /// The entry.
        what: String,
        /// Its path as declared.
        path: PathBuf,
    },
    /// The link lies in the mount point, or the mount point lies below the link.
    #[error("symlinkPath {} and secretsMountPoint {} lie one inside the other; choose two paths side by side", .link.display(), .mount_point.display())]
    Nested {
        /// The link.
        link: PathBuf,
        /// The mount point.
        mount_point: PathBuf,
    },
    /// A directory on the way is missing, and is probably a home whose user has yet to be made.
    #[error("cannot link {}: {} does not exist yet, and its owner is not known before users are made; remove neededForUsers, or choose a path that is in no home", .path.display(), .home.display())]
    NoHomeYet {
        /// The declared path.
        path: PathBuf,
        /// The home.
        home: PathBuf,
    },
    /// A directory stands where a link belongs.
    #[error("cannot link {}: a directory is there; move it away, or choose another path", .path.display())]
    DirectoryInTheWay {
        /// The declared path.
        path: PathBuf,
    },
    /// A part of a path is no directory.
    #[error("cannot reach {}: {} is not a directory", .path.display(), .part.display())]
    NotADirectory {
        /// The declared path.
        path: PathBuf,
        /// The part that stops us.
        part: PathBuf,
    },
    /// Another user can have put a symlink on the way there, and it leads to a directory in which that user may not write.
    #[error("will not follow {} to reach {}: {writer} can put a symlink there, and this one leads to a directory of somebody else; replace it with a directory, or declare the path that it leads to", .part.display(), .path.display())]
    ForeignSymlink {
        /// The declared path.
        path: PathBuf,
        /// The symlink.
        part: PathBuf,
        /// Who can have put it there.
        writer: Writer,
    },
    /// Somebody replaced what we had just made.
    #[error("{} was replaced by somebody else while it was being made; run again", .path.display())]
    Interference {
        /// The directory or link.
        path: PathBuf,
    },
    /// Several findings, all made before anything was written.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<InstallError>),
    /// A unit request failed.
    #[error(transparent)]
    Units(#[from] UnitError),
}

/// The process that holds a lock, in brackets.
fn of_process(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |process| format!(" (process {process})"))
}

/// What to do about who holds a lock.
fn look_at(holder: Option<u32>, lock: &Path) -> String {
    match holder {
        Some(process) => format!("end it if it hangs, and run this again; to see what it does, run: ps -fp {process}"),
        None => format!("to see who it is, run: fuser -v {}", lock.display()),
    }
}

/// What to do if a file system is full or read-only, or if a permission is missing.
fn remedy(cause: Errno) -> &'static str {
    match cause {
        Errno::NOSPC | Errno::DQUOT => "; to see which file system is full, run: df -h; df -i",
        Errno::ACCESS | Errno::PERM if !geteuid().is_root() => "; run this as root, or in user mode choose a place of your own",
        Errno::ROFS => "; choose a path on another file system, or mount this one for writing",
        _ => "",
    }
}

/// Makes the error of a failed system call, from the action and its object: `open(path).map_err(failed("open", path))`.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> InstallError {
    move |cause| InstallError::System {
        action,
        path: path.to_owned(),
        cause,
    }
}

/// The error number of an I/O error; `EIO` if it has none.
pub(crate) fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
