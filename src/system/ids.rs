//! A user and a group, by their numbers.

use rustix::fs::{Gid, Stat, Uid};

/// A user and a group, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The number of the user.
    pub user: Uid,
    /// The number of the group.
    pub group: Gid,
}

impl Ids {
    /// The user root and the group root.
    pub const ROOT: Self = Self {
        user: Uid::ROOT,
        group: Gid::ROOT,
    };

    /// The user and group with these numbers. Returns `None` for the highest number, which chown(2) reads as "leave unchanged".
    #[must_use]
    pub fn new(user: u32, group: u32) -> Option<Self> {
        Some(Self {
            user: uid(user)?,
            group: gid(group)?,
        })
    }

    /// The user and group that a file belongs to.
    #[must_use]
    pub fn of(file: &Stat) -> Self {
        Self {
            user: Uid::from_raw(file.st_uid),
            group: Gid::from_raw(file.st_gid),
        }
    }
}

/// The user with this number; `None` for the highest number, which no user can have.
pub(crate) fn uid(number: u32) -> Option<Uid> {
    (number != u32::MAX).then(|| Uid::from_raw(number))
}

/// The group with this number; `None` for the highest number, which no group can have.
pub(crate) fn gid(number: u32) -> Option<Gid> {
    (number != u32::MAX).then(|| Gid::from_raw(number))
}
