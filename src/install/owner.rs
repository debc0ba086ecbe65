//! Whose a published file is.

use rustix::{
    fs::Stat,
    io::{Errno, Result},
};

use crate::system::users::Ids;

/// Whose a published file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whoever runs this program: what the kernel gives a file is left.
    Caller,
    /// This user and group.
    Ids(Ids),
    /// Somebody who does not exist yet, in a dry run before users are made. No file has this owner, and none can be given it.
    NotYet,
}

impl Owner {
    /// The user and group to give a file; none where the kernel's choice is left.
    ///
    /// # Errors
    /// When they do not exist yet.
    pub(crate) fn to_set(self) -> Result<Option<Ids>> {
        match self {
            Self::Caller => Ok(None),
            Self::Ids(ids) => Ok(Some(ids)),
            Self::NotYet => Err(Errno::INVAL),
        }
    }

    /// Whether a file with this status is as it should be.
    pub(crate) fn has(self, status: &Stat) -> bool {
        match self {
            Self::Caller => true,
            Self::Ids(ids) => ids == Ids::of(status),
            Self::NotYet => false,
        }
    }
}
