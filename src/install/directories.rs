//! The rights of those directories of a generation that have rights of their own.

use std::collections::BTreeMap;

use super::{name::EntryName, owner::Owner};
use crate::system::mode::FileMode;

/// The owner and the mode of directories, by their paths below a generation. Directories that are not named here are as all others are.
#[derive(Clone, Debug, Default)]
pub struct Directories(BTreeMap<String, Rights>);

/// The owner and the mode of a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(crate) owner: Owner,
    pub(crate) mode: FileMode,
}

impl Directories {
    /// Gives the directory `name` an owner and a mode. In this mode nobody but its owner may write in it: a run relies on what it
    /// finds there.
    pub fn set(&mut self, name: &EntryName, owner: Owner, mode: FileMode) {
        self.0.insert(name.as_str().to_owned(), Rights { owner, mode });
    }

    /// The rights of the directory at `path`, if it has rights of its own.
    pub(crate) fn at(&self, path: &str) -> Option<Rights> {
        self.0.get(path).copied()
    }

    /// Whether no directory has rights of its own.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them. What lies in a directory comes before it.
    pub(crate) fn inner_first(&self) -> impl Iterator<Item = (&str, Rights)> {
        self.0.iter().rev().map(|(path, rights)| (path.as_str(), *rights))
    }
}
