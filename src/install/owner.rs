//! The owner of a published file.

use rustix::{
    fs::Stat,
    io::{Errno, Result},
};

use crate::system::ids::Ids;

/// The owner of a published file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user who runs this program. No owner is set: a new file belongs to its maker anyway.
    Caller,
    /// A given user and group.
    Ids(Ids),
    /// A user or group that does not exist yet, in a dry run before users are made. No existing file has this owner, and no file can
    /// be given to this owner.
    NotYet,
}

impl Owner {
    /// The user and group to set on a file; `None` if no owner is set.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the user or group does not exist yet.
    pub(crate) fn to_set(self) -> Result<Option<Ids>> {
        match self {
            Self::Caller => Ok(None),
            Self::Ids(ids) => Ok(Some(ids)),
            Self::NotYet => Err(Errno::INVAL),
        }
    }

    /// Whether a file with this status has this owner. [`Owner::Caller`] accepts the file whoever owns it.
    pub(crate) fn has(self, status: &Stat) -> bool {
        match self {
            Self::Caller => true,
            Self::Ids(ids) => ids == Ids::of(status),
            Self::NotYet => false,
        }
    }
}
