//! The way to a path, as a walk found it, and a way that could not be walked to its end.

use std::os::fd::OwnedFd;

use super::{destination::Destination, error::InstallError, step::Step};

/// The way to a path, as the walk found it.
pub(crate) struct Way {
    /// All steps of the way but the last. The symlinks that were followed are among them.
    pub passed: Vec<Step>,
    /// The last step of the way.
    pub end: Step,
    /// The place at the end of the way. `None` if a directory on the way is missing, or if the walk stopped before the end.
    pub place: Option<Destination>,
    /// The directory that the walk has reached, if that is not the directory of the place.
    pub nearest: Option<OwnedFd>,
    /// Whether nobody but root and the caller could have changed anything on the way.
    pub is_safe: bool,
}

/// A way that could not be walked to its end.
pub(crate) struct Lost {
    /// The error that stopped the walk.
    pub error: InstallError,
    /// The steps until the walk stopped.
    pub passed: Vec<Step>,
    /// Whether only root and the caller can have made the obstacle that stopped the walk.
    pub is_safe: bool,
}
