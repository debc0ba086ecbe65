//! A name in an open directory: where a link, or a directory, belongs.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::PathBuf,
};

use rustix::fs::{self, FileType};

use super::{
    error::{InstallError, failed},
    files,
};

/// A name in an open directory.
pub(crate) struct Destination {
    /// The directory, opened for look-up only.
    pub dir: OwnedFd,
    /// The last part of the path.
    pub name: OsString,
    /// The whole path, for messages.
    pub path: PathBuf,
}

impl Destination {
    /// Fails if a directory is at this place: it may hold files of somebody, so no symlink replaces it.
    pub(crate) fn refuse_directory(&self) -> Result<(), InstallError> {
        let there = files::status(&self.dir, self.name.as_os_str()).map_err(failed("examine", &self.path))?;
        if there.as_ref().is_some_and(|there| files::kind(there) == FileType::Directory) {
            return Err(InstallError::directory_in_the_way(&self.path));
        }
        Ok(())
    }

    /// The target of the symlink that is there, if it is one.
    pub(crate) fn target(&self) -> Option<OsString> {
        let target = fs::readlinkat(&self.dir, self.name.as_os_str(), Vec::new()).ok()?;
        Some(OsString::from_vec(target.into_bytes()))
    }
}
