//! The paths and settings of an installation.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use rustix::fs::{Gid, Uid};

use super::{directories::Directories, homes::Homes, owner::Owner};
use crate::system::{ids::Ids, memory::FileSystem, root::Root};

/// The paths and settings of an installation: where generations are published, and how.
#[derive(Clone, Debug)]
pub struct Site {
    /// The directory that stands for `/`: the paths of this site, of its entries and of the system begin there.
    pub root: Root,
    /// The absolute path of the directory that holds the generations. Each generation is a subdirectory whose name is its number.
    pub mount_point: PathBuf,
    /// The absolute path of the symlink to the live generation.
    pub link: PathBuf,
    /// The file that is written when a new generation is live, for programs that watch.
    pub watch_file: Option<PathBuf>,
    /// The file that has what was made outside the mount point. `None` if nothing is remembered.
    pub ledger: Option<PathBuf>,
    /// The paths that all secrets and templates of the manifest declare, also those that failed.
    pub declared: HashSet<PathBuf>,
    /// The declared paths of secrets and templates that a later run is to bring. Copies there stay.
    pub awaited: HashSet<PathBuf>,
    /// How many generations are kept, the live generation included; 0 keeps all.
    pub keep_generations: u64,
    /// Whether a run keeps what is already as it should be: the live generation if nothing in it changes, and otherwise the files that
    /// do not change, as hard links in the new generation. If not, each run publishes new files, as the Go program does.
    pub keeps_unchanged: bool,
    /// Whether the mount point is a file system of its own or a plain directory.
    pub store: Store,
    /// The directories of a generation that have rights of their own.
    pub directories: Directories,
    /// Which homes of users are known. This decides who owns a missing directory on the way to a declared path, because the
    /// directory may be a home.
    pub homes: Homes,
}

/// Whether the mount point is a file system of its own or a plain directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A file system of its own.
    Mounted {
        /// The type of the file system.
        file_system: FileSystem,
        /// The group of all directories in the mount point, which then belong to root. `None` if they belong to the caller, as in user
        /// mode on macOS.
        group: Option<Gid>,
    },
    /// A plain directory, as in user mode. Everything in it belongs to the caller, and no owner is set.
    Directory,
}

impl Site {
    /// The path of the directory of generation `number`.
    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.mount_point.join(number.to_string())
    }

    /// The number of the generation whose directory has the path `path`; `None` if `path` is not the path of a generation.
    pub(crate) fn number(&self, path: &Path) -> Option<u64> {
        let number = path.file_name()?.to_str().and_then(parse_number)?;
        (path.parent() == Some(&self.mount_point)).then_some(number)
    }

    /// The owner of the mount point, and of all directories that are made below it.
    pub(crate) fn directory_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { group: Some(group), .. } => Owner::Ids(Ids { user: Uid::ROOT, group }),
            Store::Mounted { group: None, .. } | Store::Directory => Owner::Caller,
        }
    }

    /// The owner of files that only this program may open, such as the records of unit requests.
    pub(crate) fn file_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { group: Some(_), .. } => Owner::Ids(Ids::ROOT),
            Store::Mounted { group: None, .. } | Store::Directory => Owner::Caller,
        }
    }
}

/// The number of a generation, from the name of its directory. The name must have decimal digits only, without a sign or a leading
/// zero, and must not be 0.
pub(crate) fn parse_number(name: &str) -> Option<u64> {
    let number = name.parse::<u64>().ok()?;
    (number != 0 && number.to_string() == name).then_some(number)
}

/// Whether `name` is that of the directory in which a run has the texts that checks look at: `.checking.<N>`.
pub(crate) fn is_checking(name: &str) -> bool {
    name.strip_prefix(".checking.").and_then(parse_number).is_some()
}
