//! Removes the directories that were made for the symlinks of former secrets.
//!
//! A directory is removed only if it is the one that was made, with its owner and mode, and only once it is empty.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, NEW, suffixed},
    homes::Homes,
    intent,
    made::{Directory, Made},
    mark::FileMark,
    recorded::{self, Reached},
    site::Site,
};
use crate::system::users;

/// What became of a directory.
pub(crate) enum DirectoryRemoval {
    /// It is gone, or it is another one now.
    Done,
    /// It stays in the ledger, and this is the mark of it.
    Stays(Option<FileMark>),
}

/// The directories in `made` that a run has to look at, the deepest first, each with whether a symlink needs it. A directory that is
/// needed, and is known to be made, is not looked at.
pub(crate) fn candidates(made: &Made) -> Vec<(PathBuf, Directory, bool)> {
    let ancestors = made.links.keys().flat_map(|path| path.ancestors().skip(1));
    let needed: HashSet<&Path> = ancestors.collect();
    made.directories
        .iter()
        .rev()
        .map(|(path, directory)| (path.clone(), directory.clone(), needed.contains(path.as_path())))
        .filter(|(_, directory, is_needed)| !is_needed || directory.mark.is_none())
        .collect()
}

/// Removes one directory, unless a symlink needs it. One that is not empty stays in the ledger until it is. One that somebody has
/// replaced, or given to somebody else, leaves the ledger.
pub(crate) fn remove(site: &Site, path: &Path, directory: &Directory, is_needed: bool) -> Result<DirectoryRemoval, InstallError> {
    let place = match recorded::find(site, path, directory.mounted.as_deref())? {
        Reached::Place(place) => place,
        Reached::Nothing | Reached::Replaced(_) => return Ok(DirectoryRemoval::Done),
        Reached::Unmounted => return Ok(DirectoryRemoval::Stays(directory.mark)),
    };
    let there = FileMark::at(&place.dir, place.name.as_os_str()).map_err(failed("examine", path))?;
    let Some(there) = there.filter(|there| directory.is(there)) else {
        let is_clear = directory.mark.is_some() || intent::clear(&place.dir, &suffixed(&place.name, NEW), directory);
        return Ok(if is_clear {
            DirectoryRemoval::Done
        } else {
            DirectoryRemoval::Stays(None)
        });
    };
    if is_needed {
        return Ok(DirectoryRemoval::Stays(Some(there)));
    }
    if is_home(site, path)? {
        return Ok(DirectoryRemoval::Done);
    }
    if !is_empty(&place)? {
        return Ok(DirectoryRemoval::Stays(Some(there)));
    }
    match fs::unlinkat(&place.dir, place.name.as_os_str(), AtFlags::REMOVEDIR) {
        // Without this, a power cut could bring the directory back, and the ledger would not know it any more.
        Ok(()) if files::sync(&place.dir).is_ok() => Ok(DirectoryRemoval::Done),
        Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(DirectoryRemoval::Stays(Some(there))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(DirectoryRemoval::Done),
        Err(cause) => Err(failed("remove the directory", path)(cause)),
    }
}

/// Whether nothing is in the directory at `place`.
fn is_empty(place: &Destination) -> Result<bool, InstallError> {
    let directory = files::open_directory(&place.dir, place.name.as_os_str());
    directory
        .and_then(|directory| files::list(&directory))
        .map(|names| names.is_empty())
        .map_err(failed("read", &place.path))
}

/// Whether the directory `path` is the home of a user, by whatever path. A home belongs to its user, whoever made it. Those who have no
/// homes of others to make need not know.
fn is_home(site: &Site, path: &Path) -> Result<bool, InstallError> {
    if site.homes == Homes::Unknown {
        return Ok(false);
    }
    let this = fs::stat(path).map_err(failed("examine", path))?;
    let is_this = |home: users::Home| fs::stat(site.root.locate(&home.path)).is_ok_and(|home| files::same_file(&home, &this));
    Ok(users::homes(&site.root.passwd()).into_iter().any(is_this))
}
