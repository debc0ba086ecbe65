//! Finds the places again that the ledger names.
//!
//! The paths in the ledger had no symlink. So a symlink that is on the way now was put there since, and is not followed.

use std::path::{Path, PathBuf};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files,
    site::Site,
    walk,
};

/// What is found at a path in the ledger.
pub(crate) enum Reached {
    /// The directory of the path is there.
    Place(Destination),
    /// The directory is gone, and with it what was there.
    Nothing,
    /// The file system of the path is not mounted.
    Unmounted,
    /// This directory on the way was replaced by a symlink.
    Replaced(PathBuf),
}

/// Finds the place of `path`, whose file system is mounted at `mounted`.
pub(crate) fn find(site: &Site, path: &Path, mounted: Option<&Path>) -> Result<Reached, InstallError> {
    if let Some(directory) = mounted
        && !begins_a_file_system(directory).map_err(failed("examine", directory))?
    {
        return Ok(Reached::Unmounted);
    }
    let mut parts = walk::parts(&site.root, path)?;
    let name = parts.pop_back().ok_or_else(|| InstallError::not_plain(path))?;
    let mut dir = walk::open(&site.root)?;
    let mut here = site.root.path().to_owned();
    for part in parts {
        here.push(&part);
        let next = match walk::look(&dir, &part) {
            Ok(next) => next,
            Err(Errno::NOENT) => return Ok(Reached::Nothing),
            Err(cause) => return Err(failed("open", &here)(cause)),
        };
        match files::kind(&fs::fstat(&next).map_err(failed("examine", &here))?) {
            FileType::Directory => dir = next,
            FileType::Symlink => return Ok(Reached::Replaced(here)),
            _ => return Ok(Reached::Nothing),
        }
    }
    Ok(Reached::Place(Destination {
        dir,
        name,
        path: path.to_owned(),
        at: path.to_owned(),
    }))
}

/// The directory at which the file system of `path` is mounted; `None` if this is the file system of the root, or if nobody knows.
pub(crate) fn mounted(site: &Site, path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .skip(1)
        .take_while(|directory| *directory != site.root.path())
        .find(|directory| begins_a_file_system(directory) == Ok(true))
        .map(Path::to_owned)
}

/// Whether `directory` is on another device than the directory above it. A bind mount of the same device, such as the confined unit has,
/// does not count: the same files are there without it.
fn begins_a_file_system(directory: &Path) -> Result<bool, Errno> {
    let device = |path: &Path| match fs::lstat(path) {
        Ok(status) => Ok(Some(status.st_dev)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(cause),
    };
    let this = device(directory)?;
    let above = directory.parent().map(device).transpose()?.flatten();
    Ok(this.is_some() && above.is_some() && this != above)
}
