//! Where generations go.

use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid};

use super::{homes::Homes, owner::Owner};
use crate::system::users::Ids;

/// Where generations go.
#[derive(Clone, Debug)]
pub struct Site {
    /// Generations are its numbered children. Absolute.
    pub mount_point: PathBuf,
    /// Points at the live generation. Absolute.
    pub link: PathBuf,
    /// Generations to keep, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// What the mount point is.
    pub store: Store,
    /// What homes are known, when a path leads into one that is still to be made.
    pub homes: Homes,
}

/// What the mount point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A file system of its own. Directories belong to root.
    Mounted {
        /// Its type.
        file_system: FileSystem,
        /// The group of all directories.
        group: Gid,
    },
    /// A plain directory, as a plain user has it. No owner is set on anything.
    Directory,
}

/// A file system in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// Never swapped out, not limited in size.
    Ramfs,
    /// Mounted with `noswap` where the kernel knows it.
    Tmpfs,
}

impl Site {
    /// The directory of generation `number`.
    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.mount_point.join(number.to_string())
    }

    /// The number of the generation whose directory is `path`.
    pub(crate) fn number(&self, path: &Path) -> Option<u64> {
        let number = path.file_name()?.to_str().and_then(parse_number)?;
        (path.parent() == Some(&self.mount_point)).then_some(number)
    }

    /// Owner of all directories that we make below the mount point, and of it.
    pub(crate) fn directory_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { group, .. } => Owner::Ids(Ids { user: Uid::ROOT, group }),
            Store::Directory => Owner::Caller,
        }
    }

    /// Owner of files that are ours alone.
    pub(crate) fn file_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { .. } => Owner::Ids(Ids::ROOT),
            Store::Directory => Owner::Caller,
        }
    }
}

/// A generation's number as we write it: no sign, no leading zero, and not zero.
pub(crate) fn parse_number(name: &str) -> Option<u64> {
    let number = name.parse::<u64>().ok()?;
    (number != 0 && number.to_string() == name).then_some(number)
}
