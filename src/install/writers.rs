//! Finds who, beside root and the caller, can change what a directory contains.

use std::fmt;

use rustix::{
    fs::Stat,
    process::{getegid, geteuid},
};

/// A user, a group or everybody, who can put files into a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// The user with this number.
    User(u32),
    /// All members of the group with this number.
    Group(u32),
    /// All users.
    Everybody,
}

impl Writer {
    /// The user with this number; `None` for root and for the caller.
    pub(crate) fn other_user(uid: u32) -> Option<Self> {
        (uid != 0 && uid != geteuid().as_raw()).then_some(Self::User(uid))
    }

    /// Whether this writer can put any file into `dir`, and replace files that are there. A user can do so if `dir` belongs to
    /// the user. A group or everybody can do so if the mode lets them write and `dir` is not sticky.
    pub(crate) fn rules(self, dir: &Stat) -> bool {
        let is_open_to = |class| dir.st_mode & class != 0 && !is_sticky(dir);
        match self {
            Self::User(uid) => dir.st_uid == uid,
            Self::Group(gid) => dir.st_gid == gid && is_open_to(0o020),
            Self::Everybody => is_open_to(0o002),
        }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(f, "uid {uid}"),
            Self::Group(gid) => write!(f, "gid {gid}"),
            Self::Everybody => f.write_str("everybody"),
        }
    }
}

/// The writers, beside root and the caller, who can replace `entry` in `dir`. If `dir` belongs to neither root nor the caller,
/// only its owner is returned. In a sticky directory, only the owner of an existing entry can replace the entry.
pub(crate) fn of(dir: &Stat, entry: Option<&Stat>) -> Vec<Writer> {
    if let Some(owner) = Writer::other_user(dir.st_uid) {
        return vec![owner];
    }
    let is_our_group = dir.st_gid == 0 || dir.st_gid == getegid().as_raw();
    let group = (dir.st_mode & 0o020 != 0 && !is_our_group).then_some(Writer::Group(dir.st_gid));
    let everybody = (dir.st_mode & 0o002 != 0).then_some(Writer::Everybody);
    let writers: Vec<_> = group.into_iter().chain(everybody).collect();
    match entry {
        Some(entry) if is_sticky(dir) && !writers.is_empty() => Writer::other_user(entry.st_uid).into_iter().collect(),
        _ => writers,
    }
}

/// Whether `dir` is sticky. In a sticky directory, only the owner of an entry or of `dir` can rename or remove the entry (inode(7)).
fn is_sticky(dir: &Stat) -> bool {
    dir.st_mode & 0o1000 != 0
}
