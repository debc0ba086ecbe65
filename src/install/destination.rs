//! A name in an open directory: the place where a link or a directory is made.

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

/// A name in an open directory. The descriptor always refers to the same directory, even if another user renames a directory on the
/// way to it.
pub(crate) struct Destination {
    /// The directory, opened with `O_PATH`: for look-up only, not for reading.
    pub dir: OwnedFd,
    /// The last part of the path, which is the name in `dir`.
    pub name: OsString,
    /// The whole path as declared, for messages.
    pub path: PathBuf,
}

impl Destination {
    /// Fails if a directory has this name. A symlink must not replace a directory, because somebody may keep files in the directory.
    pub(crate) fn refuse_directory(&self) -> Result<(), InstallError> {
        let there = files::status(&self.dir, self.name.as_os_str()).map_err(failed("examine", &self.path))?;
        if there.as_ref().is_some_and(|there| files::kind(there) == FileType::Directory) {
            return Err(InstallError::directory_in_the_way(&self.path));
        }
        Ok(())
    }

    /// The target of the symlink that has this name; `None` if the name is missing or is no symlink.
    pub(crate) fn target(&self) -> Option<OsString> {
        let target = fs::readlinkat(&self.dir, self.name.as_os_str(), Vec::new()).ok()?;
        Some(OsString::from_vec(target.into_bytes()))
    }
}
