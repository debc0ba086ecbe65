//! What an installation has made outside its mount point, and how it is known again.
//!
//! The paths are without symlinks, so that one place has one path.

use std::{
    collections::BTreeMap,
    os::fd::AsFd,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{fs::FileType, io::Errno};
use serde::{Deserialize, Serialize};

use super::mark::{FileMark, FoundLink};

/// What an installation has made outside its mount point.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Made {
    /// The symlinks, by their paths.
    pub links: BTreeMap<PathBuf, Link>,
    /// The directories that were made for symlinks, by their paths.
    pub directories: BTreeMap<PathBuf, Directory>,
}

/// A symlink at a declared path.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// The path that the configuration declares.
    pub declared: PathBuf,
    /// The symlink that a run has made; `None` if none is known to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeLink>,
    /// The symlink that a run was about to make, and has not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making: Option<Intent>,
    /// The file that was moved aside for the symlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Where the file system of the symlink is mounted; `None` if that is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<PathBuf>,
    /// Whether a run has said that the symlink cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

/// A symlink that a run has made.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct MadeLink {
    /// Where it leads.
    pub target: PathBuf,
    /// Which symlink it is.
    pub mark: FileMark,
}

/// A symlink that a run was about to make.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Intent {
    /// Where it will lead.
    pub target: PathBuf,
    /// When the ledger was told, in seconds since 1970.
    pub since: i64,
}

/// A file that was moved aside.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Backup {
    /// Which file it is.
    pub file: FileMark,
    /// The directory that it was in.
    pub directory: FileMark,
}

/// A directory that was made for a symlink.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Directory {
    /// Which directory it is. `None` until the directory is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<FileMark>,
    /// When the ledger was told, in seconds since 1970.
    pub since: i64,
    /// Where the file system of the directory is mounted; `None` if that is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<PathBuf>,
    /// Whether a run has said that the directory cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

impl Link {
    /// Whether `found` is the symlink of this entry. It must lead where ours leads, and be the same symlink: others may have made one
    /// that leads there, too.
    pub(crate) fn is(&self, found: &FoundLink) -> bool {
        let is_made = |made: &MadeLink| made.target == found.target && made.mark.is_same_file(&found.mark);
        let may_be = |making: &Intent| making.target == found.target && found.mark.was_born_near(making.since);
        self.made.as_ref().is_some_and(is_made) || self.making.as_ref().is_some_and(may_be)
    }

    /// Whether `file`, which has a name beside the symlink, is the file that was moved aside. `dir` is the directory of both.
    pub(crate) fn has_moved(&self, file: &FileMark, dir: impl AsFd) -> Result<bool, Errno> {
        match &self.backup {
            Some(backup) if backup.file.is_same_file(file) => Ok(backup.directory.is_same_file(&FileMark::of_open(dir)?)),
            _ => Ok(false),
        }
    }
}

impl Directory {
    /// Whether `there`, which is at the path of this entry, is the directory that a run has made, with the owner and mode of then.
    pub(crate) fn is(&self, there: &FileMark) -> bool {
        match &self.mark {
            Some(mark) => mark == there,
            None => self.may_be(there),
        }
    }

    /// Whether `there` may be a directory that a killed run has made and has not confirmed.
    pub(crate) fn may_be(&self, there: &FileMark) -> bool {
        self.mark.is_none() && there.kind() == FileType::Directory && there.was_born_near(self.since)
    }
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
