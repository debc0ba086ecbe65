//! Where generations go.

use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid};

use super::{homes::Homes, owner::Owner};
use crate::system::{root::Root, users::Ids};

/// Where generations are published, and how.
#[derive(Clone, Debug)]
pub struct Site {
    /// What all paths begin with: that of this site, those of its entries, and those of the system.
    pub root: Root,
    /// The absolute path of the directory that holds the generations, each in a subdirectory with its number as the name.
    pub mount_point: PathBuf,
    /// The absolute path of the symlink to the live generation.
    pub link: PathBuf,
    /// Generations to keep, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// What the mount point is.
    pub store: Store,
    /// Which homes of users are known. A missing directory on the way to a declared path may be one of them.
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
    /// A plain directory, as in user mode. No owner is set on anything in it.
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

    /// The owner of the mount point, and of all directories that are made below it.
    pub(crate) fn directory_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { group, .. } => Owner::Ids(Ids { user: Uid::ROOT, group }),
            Store::Directory => Owner::Caller,
        }
    }

    /// The owner of what nobody but the installer may open, such as the records of unit requests.
    pub(crate) fn file_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { .. } => Owner::Ids(Ids::ROOT),
            Store::Directory => Owner::Caller,
        }
    }
}

/// The number of a generation, from the name of its directory: decimal digits without a sign or a leading zero, and not zero.
pub(crate) fn parse_number(name: &str) -> Option<u64> {
    let number = name.parse::<u64>().ok()?;
    (number != 0 && number.to_string() == name).then_some(number)
}
