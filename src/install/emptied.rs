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
    files,
    homes::Homes,
    ledger::{Directory, Made},
    mark::FileMark,
    recorded::{self, Reached},
    site::Site,
};
use crate::{system::users, text::shell};

/// Removes the directories that were made for symlinks which are all gone, the deepest first. A directory that is not empty stays in
/// the ledger until it is. One that somebody has replaced, or given to somebody else, leaves the ledger.
pub(crate) fn remove(site: &Site, made: &mut Made) -> Vec<String> {
    let needed: HashSet<PathBuf> = made
        .links
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .map(Path::to_owned)
        .collect();
    let is_gone = |path: &&PathBuf| !needed.contains(*path);
    let gone: Vec<_> = made.directories.keys().filter(is_gone).rev().cloned().collect();
    let mut warnings = Vec::new();
    for path in gone {
        let Some(directory) = made.directories.get_mut(&path) else {
            continue;
        };
        match remove_one(site, &path, directory) {
            Ok(true) => drop(made.directories.remove(&path)),
            Ok(false) => {}
            Err(_) if directory.told => {}
            Err(error) => {
                directory.told = true;
                let command = format!("rmdir {}", shell::path(&path));
                warnings.push(InstallError::left(&error, &path, &command).to_string());
            }
        }
    }
    warnings
}

/// Removes one directory. Returns whether it can leave the ledger.
fn remove_one(site: &Site, path: &Path, directory: &Directory) -> Result<bool, InstallError> {
    let place = match recorded::find(site, path, directory.mounted.as_deref())? {
        Reached::Place(place) => place,
        Reached::Nothing | Reached::Replaced(_) => return Ok(true),
        Reached::Unmounted => return Ok(false),
    };
    let there = FileMark::at(&place.dir, place.name.as_os_str()).map_err(failed("examine", path))?;
    let Some(mark) = directory.mark else {
        return Ok(there.is_none());
    };
    if there != Some(mark) || is_home(site, path)? {
        return Ok(true);
    }
    if !is_empty(&place)? {
        return Ok(false);
    }
    match fs::unlinkat(&place.dir, place.name.as_os_str(), AtFlags::REMOVEDIR) {
        // Without this, a power cut could bring the directory back, and the ledger would not know it any more.
        Ok(()) => Ok(files::sync(&place.dir).is_ok()),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
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
