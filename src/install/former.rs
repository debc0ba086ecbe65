//! Removes what belongs to former secrets outside the mount point: their symlinks, and the directories that were made for these. Puts back
//! what was moved aside for them.
//!
//! Something is removed only if it is what the ledger says: a symlink to a target of ours, a file or a directory with the same inode
//! number. Whatever somebody has put in its place stays.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, NEW, suffixed},
    homes::Homes,
    ledger::{Backup, Made},
    links,
    site::Site,
    step::Step,
    walk,
};
use crate::{system::users, text::printable::shown};

/// Removes the symlinks of entries that are gone. A symlink that cannot be removed stays in the ledger, for the next run.
pub(crate) fn remove_links(site: &Site, made: &mut Made, declared: &[&Path]) -> Vec<String> {
    let kept: HashSet<&Path> = declared.iter().copied().collect();
    let gone: Vec<_> = made
        .links
        .keys()
        .filter(|path| !kept.contains(path.as_path()))
        .cloned()
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let end = |path: &Path| walk::find(&site.root, path, None).ok().map(|way| way.end);
    // The same place may be declared by another path.
    let taken: HashSet<Step> = kept.into_iter().filter_map(end).collect();
    let mut warnings = Vec::new();
    for path in gone {
        let outcome = if end(&path).is_some_and(|end| taken.contains(&end)) {
            Ok(Removal::Done)
        } else {
            remove_link(site, made, &path)
        };
        match outcome {
            Ok(Removal::OutOfReach) => continue,
            Ok(Removal::Done) => {}
            Ok(Removal::PutBack(backup)) => warnings.push(format!(
                "{} was moved back to {}, because no secret has this path any more",
                shown(&backup),
                shown(&path)
            )),
            Err(error) => {
                warnings.push(error.to_string());
                continue;
            }
        }
        made.links.remove(&path);
        made.backups.remove(&path);
    }
    warnings
}

/// The result of the removal of a symlink.
enum Removal {
    /// No symlink of ours is there now.
    Done,
    /// The symlink was replaced by the file that had been moved aside for it, from this path.
    PutBack(PathBuf),
    /// The directory of the symlink is not there. It may be on a file system that is not mounted now, so the symlink stays in the ledger.
    OutOfReach,
}

/// Removes the symlink at `path` if it is ours, and puts back what was moved aside for it. The file takes the place of the symlink in one
/// step, so nobody finds the path empty.
fn remove_link(site: &Site, made: &Made, path: &Path) -> Result<Removal, InstallError> {
    let place = match reached(site, path) {
        Reached::Place(place) => place,
        Reached::Nothing => return Ok(Removal::Done),
        Reached::Unknown => return Ok(Removal::OutOfReach),
    };
    let is_ours = |name: &OsStr| match fs::readlinkat(&place.dir, name, Vec::new()) {
        Ok(target) => {
            let target = Path::new(OsStr::from_bytes(target.as_bytes()));
            Ok(made.links.get(path).is_some_and(|targets| targets.contains(target)))
        }
        Err(Errno::NOENT | Errno::INVAL) => Ok(false),
        Err(cause) => Err(failed("examine", path)(cause)),
    };
    // A killed run may have left its symlink under the temporary name.
    let new = suffixed(&place.name, NEW);
    if is_ours(&new)? {
        unlink(&place, &new)?;
    }
    if !is_ours(&place.name)? {
        return Ok(Removal::Done);
    }
    let backup = made.backups.get(path).map(|backup| backup_in(&place, backup)).transpose()?;
    match backup.flatten() {
        Some(name) => fs::renameat(&place.dir, name.as_os_str(), &place.dir, place.name.as_os_str())
            .map(|()| Removal::PutBack(path.with_file_name(name)))
            .map_err(failed("move back to its place the file of", path)),
        None => unlink(&place, &place.name).map(|()| Removal::Done),
    }
}

/// Removes the symlink `name` in the directory of `place`.
fn unlink(place: &Destination, name: &OsStr) -> Result<(), InstallError> {
    match fs::unlinkat(&place.dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(cause) => Err(failed("remove the link", &place.path)(cause)),
    }
}

/// The name under which the file that was moved aside lies beside `place`. If a run was killed before it moved the file aside, the
/// file has the temporary name. `None` if the file is gone, or is another one.
fn backup_in(place: &Destination, backup: &Backup) -> Result<Option<OsString>, InstallError> {
    let names = [backup.path.file_name().map(OsStr::to_owned), Some(suffixed(&place.name, NEW))];
    for name in names.into_iter().flatten() {
        let there = files::status(&place.dir, name.as_os_str()).map_err(failed("examine", &backup.path))?;
        if there.is_some_and(|there| there.st_ino == backup.inode && links::is_moved_aside(&there)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// What a walk to a path in the ledger finds.
enum Reached {
    /// The directory of the path.
    Place(Destination),
    /// The directory is missing, and with it what was there.
    Nothing,
    /// Nobody knows what is there. The way cannot be walked safely, or its file system may not be mounted yet. What is in the ledger
    /// stays there.
    Unknown,
}

/// Walks to the directory of `path`.
fn reached(site: &Site, path: &Path) -> Reached {
    match walk::find(&site.root, path, None) {
        Ok(way) => match way.place {
            Some(place) => Reached::Place(place),
            None if site.homes == Homes::Earlier => Reached::Unknown,
            None => Reached::Nothing,
        },
        Err(_) => Reached::Unknown,
    }
}

/// Removes the directories that were made for symlinks which are all gone, the deepest first. A directory that somebody else uses now
/// stays, and leaves the ledger.
pub(crate) fn remove_directories(site: &Site, made: &mut Made) -> Vec<String> {
    let needed: HashSet<PathBuf> = made
        .links
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .map(Path::to_owned)
        .collect();
    let gone: Vec<_> = made
        .directories
        .keys()
        .filter(|dir| !needed.contains(*dir))
        .rev()
        .cloned()
        .collect();
    let mut warnings = Vec::new();
    for dir in gone {
        let inode = made.directories.get(&dir).copied().unwrap_or_default();
        match remove_directory(site, &dir, inode) {
            Ok(true) => drop(made.directories.remove(&dir)),
            Ok(false) => {}
            Err(error) => warnings.push(error.to_string()),
        }
    }
    warnings
}

/// Removes the directory `dir` if it has this inode number and is empty. A home stays: it belongs to its user, whoever made it. Returns
/// whether the directory can leave the ledger.
fn remove_directory(site: &Site, dir: &Path, inode: u64) -> Result<bool, InstallError> {
    let place = match reached(site, dir) {
        Reached::Place(place) => place,
        Reached::Nothing => return Ok(true),
        Reached::Unknown => return Ok(false),
    };
    // A killed run may have left the directory under the temporary name.
    if inode == 0 {
        rmdir(&place, &suffixed(&place.name, NEW))?;
    }
    let there = files::status(&place.dir, place.name.as_os_str()).map_err(failed("examine", dir))?;
    let there = there.filter(|there| files::kind(there) == FileType::Directory);
    if there.is_some() && inode == 0 {
        return Ok(false);
    }
    let is_ours = there.is_some_and(|there| there.st_ino == inode);
    let is_home = |home: users::Home| site.root.locate(&home.path) == dir;
    if !is_ours || users::homes(&site.root.passwd()).into_iter().any(is_home) {
        return Ok(true);
    }
    rmdir(&place, &place.name).map(|()| true)
}

/// Removes the directory `name` in the directory of `place`, if it is empty.
fn rmdir(place: &Destination, name: &OsStr) -> Result<(), InstallError> {
    match fs::unlinkat(&place.dir, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(cause) => Err(failed("remove the directory", &place.path)(cause)),
    }
}
