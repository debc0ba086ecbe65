//! One step of a way: a name in a directory.

use std::path::PathBuf;

use rustix::fs::Stat;

use super::files::{self, FileId};

/// A name in a directory, where the directory is given by device and inode, not by path. If directories are missing, the name has
/// several parts, which begin in the nearest existing directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    /// The nearest existing directory.
    pub dir: FileId,
    /// The relative path below `dir`.
    pub name: PathBuf,
}

impl Step {
    /// The step to `name` in the directory with the status `dir`.
    pub(crate) fn of(dir: &Stat, name: impl Into<PathBuf>) -> Self {
        Self {
            dir: files::identity(dir),
            name: name.into(),
        }
    }

    /// The step to the relative path `name` below this step. The result is correct only if the directory to which this step leads
    /// is missing, or if walks do not enter it.
    pub(crate) fn below(&self, name: &str) -> Self {
        Self {
            dir: self.dir,
            name: self.name.join(name),
        }
    }
}
