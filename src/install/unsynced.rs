//! Directories in which names were made or removed, until this is on the disk.

use std::{collections::HashMap, os::fd::OwnedFd, path::Path};

use rustix::fs;

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, FileId},
};
use crate::system::memory;

/// The most directories that are held open: 100. A process may usually have 1,024 descriptors.
const MOST: usize = 100;

/// Directories whose changes may not be on the disk yet.
#[derive(Default)]
pub(crate) struct Unsynced {
    dirs: HashMap<FileId, OwnedFd>,
    /// Why some changes may not be on the disk.
    trouble: Option<InstallError>,
}

impl Unsynced {
    /// Adds the directory of `place`.
    pub(crate) fn add(&mut self, place: Destination) {
        match fs::fstat(&place.dir) {
            Ok(status) => drop(self.dirs.insert(files::identity(&status), place.dir)),
            Err(cause) => self.trouble = Some(failed("examine", &place.path)(cause)),
        }
        if self.dirs.len() >= MOST {
            self.sync(&place.path);
        }
    }

    /// Does what [`Self::add`] does, unless the directory is in memory: nothing there outlives a power cut.
    pub(crate) fn add_if_on_disk(&mut self, place: Destination) {
        if memory::holds(&place.dir) != Ok(true) {
            self.add(place);
        }
    }

    /// Waits until all changes so far are on the disk. `path` is for messages.
    pub(crate) fn sync(&mut self, path: &Path) {
        for dir in std::mem::take(&mut self.dirs).into_values() {
            if let Err(cause) = files::sync(dir) {
                self.trouble = Some(failed("write", path)(cause));
            }
        }
    }

    /// Fails if a change may not be on the disk.
    pub(crate) fn finish(mut self, path: &Path) -> Result<(), InstallError> {
        self.sync(path);
        self.trouble.map_or(Ok(()), Err)
    }
}
