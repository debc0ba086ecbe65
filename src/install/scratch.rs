//! A place for texts that a run shows to other programs before it publishes them.

use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
};

use rustix::fs::{self, Mode};

use super::{
    error::{InstallError, errno, failed},
    files,
    grounds::Grounds,
    links,
    lock::{self, Entered},
    site::{Site, TRIALS},
};
use crate::system::{budget, mode::FileMode};

/// Only its owner may read a text.
const MODE: FileMode = FileMode::of_bits(0o400);

/// A directory among the generations, on the same file system in memory, that only this user can enter. No other run publishes while
/// it is there. It is removed when the value is dropped; if the run is killed, the next run removes it.
pub(crate) struct Scratch<'a> {
    site: &'a Site,
    entered: Entered,
    dir: OwnedFd,
}

impl<'a> Scratch<'a> {
    /// Makes the directory, and mounts its file system if none is mounted.
    ///
    /// # Errors
    ///
    /// The errors of a publication before its first write.
    pub(crate) fn open(site: &'a Site) -> Result<Self, InstallError> {
        links::check(site)?;
        Grounds::look(site, None)?;
        let entered = lock::enter(site, budget::LOCK)?;
        let at = site.mount_point.join(TRIALS);
        files::remove_tree(entered.root.as_fd(), TRIALS).map_err(failed("remove the left-over", &at))?;
        fs::mkdirat(&entered.root, TRIALS, Mode::RWXU).map_err(failed("make", &at))?;
        let dir = files::open_directory(&entered.root, TRIALS).map_err(failed("make", &at));
        dir.map(|dir| Self { site, entered, dir })
    }

    /// Writes a text to a file of this name. Returns its path, and the file opened for reading.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> Result<(PathBuf, File), InstallError> {
        let at = self.site.mount_point.join(TRIALS).join(name);
        let file = files::create_file(&self.dir, name, self.site.file_owner(), MODE).map_err(failed("create", &at))?;
        File::from(file)
            .write_all(text)
            .map_err(|error| failed("write", &at)(errno(&error)))?;
        let file = files::open_file(&self.dir, name).map_err(failed("open", &at))?;
        Ok((at, File::from(file)))
    }

    /// Removes the file of this name.
    pub(crate) fn remove(&self, name: &str) {
        // The directory goes with all that is in it, so a file that stays is removed later.
        let _ = files::remove_tree(self.dir.as_fd(), name);
    }
}

impl Drop for Scratch<'_> {
    /// Errors are ignored: the next run removes what is left.
    fn drop(&mut self) {
        let _ = files::remove_tree(self.entered.root.as_fd(), TRIALS);
    }
}
