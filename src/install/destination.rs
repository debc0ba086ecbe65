//! A name in an open directory: the place where a link or a directory is made.

use std::{
    ffi::{OsStr, OsString},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};

use super::{
    error::{InstallError, failed},
    files,
};
use crate::system::{handle, root::Root};

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
    /// Opens the directory of `path`, part by part, and follows no symlink. `None` if a directory on the way is missing, or is none.
    pub(crate) fn without_symlinks(root: &Root, path: &Path) -> Result<Option<Self>, Errno> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let Ok(parts) = parent.strip_prefix(root.path()) else {
            return Ok(None);
        };
        let mut dir = root.open()?;
        for part in parts.components() {
            dir = match handle::open(&dir, part.as_os_str()) {
                Err(Errno::NOENT) => return Ok(None),
                opened => opened?,
            };
            if files::kind(&fs::fstat(&dir)?) != FileType::Directory {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            dir,
            name: name.to_owned(),
            path: path.to_owned(),
        }))
    }

    /// Fails if a directory has this name. A symlink must not replace a directory, because somebody may keep files in the directory.
    pub(crate) fn refuse_directory(&self) -> Result<(), InstallError> {
        let there = files::status(&self.dir, self.name.as_os_str()).map_err(failed("examine", &self.path))?;
        if there.as_ref().is_some_and(|there| files::kind(there) == FileType::Directory) {
            return Err(InstallError::directory_in_the_way(&self.path));
        }
        Ok(())
    }

    /// The path without symlinks, as it is now.
    pub(crate) fn resolved(&self) -> Option<PathBuf> {
        resolved(&self.dir, &self.name)
    }

    /// The target of the symlink that has this name; `None` if the name is missing or is no symlink.
    pub(crate) fn target(&self) -> Option<OsString> {
        let target = fs::readlinkat(&self.dir, self.name.as_os_str(), Vec::new()).ok()?;
        Some(OsString::from_vec(target.into_bytes()))
    }
}

/// The path of `name` in `dir` without symlinks, as it is now. `None` if the system does not tell it, or if it is no Unicode.
pub(crate) fn resolved(dir: &OwnedFd, name: &OsStr) -> Option<PathBuf> {
    let dir = fs::readlink(format!("/proc/self/fd/{}", dir.as_raw_fd()), Vec::new()).ok()?;
    let path = PathBuf::from(OsString::from_vec(dir.into_bytes())).join(name);
    path.to_str().is_some().then_some(path)
}
