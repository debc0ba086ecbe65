//! Tells the ledger what a run is about to make, and afterwards what it has made.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType},
    io::Errno,
};

use super::{
    error::{InstallError, failed},
    files::{NEW, suffixed},
    links::{PlacedLink, Spread},
    made::{Backup, Directory, Intent, Link, Made, MadeLink, now},
    mark::{FileMark, FoundLink},
    recorded::{self, Reached},
    site::Site,
    symlinks::Symlink,
};

/// What a run is about to make, beside what the ledger had before.
#[derive(Default)]
pub(crate) struct Intended {
    /// The directories that are still missing.
    pub directories: BTreeSet<PathBuf>,
    /// What could not be examined, and is not in the ledger.
    pub unexamined: Vec<InstallError>,
}

/// Adds to `made` what there will be when `symlinks` are made: the symlinks, the directories that are still missing, and the files that
/// will be moved aside. Changes nothing on disk.
///
/// A symlink that is there already, and was not made by a run with a ledger, stays out of the ledger: somebody else may have made it.
pub(crate) fn intend(site: &Site, made: &mut Made, symlinks: &[Symlink]) -> Intended {
    let mut intended = Intended::default();
    for symlink in symlinks {
        match intend_one(site, made, symlink) {
            Ok(true) => intended.directories.extend(missing(site, made, symlink)),
            Ok(false) => {}
            Err(error) => intended.unexamined.push(InstallError::unexamined(&error, &symlink.at)),
        }
    }
    intended
}

/// Does so for one symlink. Returns whether it is still to be made.
fn intend_one(site: &Site, made: &mut Made, symlink: &Symlink) -> Result<bool, InstallError> {
    let before = made.links.get(&symlink.at);
    let there = Occupant::at(site, &symlink.at)?;
    let own = there.link.as_ref().filter(|found| before.is_some_and(|link| link.is(found)));
    let own = own.map(|found| MadeLink {
        target: found.target.clone(),
        mark: found.mark,
    });
    let is_right = there.link.as_ref().is_some_and(|found| found.target == symlink.target);
    if is_right && own.is_none() {
        made.links.remove(&symlink.at);
        return Ok(false);
    }
    let since = now();
    let link = Link {
        declared: symlink.declared.clone(),
        made: own,
        making: (!is_right).then(|| Intent {
            target: symlink.target.clone(),
            since,
        }),
        backup: there.backup.or_else(|| before.and_then(|link| link.backup.clone())),
        mounted: match before {
            Some(link) if is_right => link.mounted.clone(),
            _ => recorded::mounted(site, &symlink.at),
        },
        told: false,
    };
    made.links.insert(symlink.at.clone(), link);
    Ok(!is_right)
}

/// What is at the place of a symlink that will be made.
struct Occupant {
    /// A symlink.
    link: Option<FoundLink>,
    /// A file that will be moved aside.
    backup: Option<Backup>,
}

impl Occupant {
    fn at(site: &Site, path: &Path) -> Result<Self, InstallError> {
        let Reached::Place(place) = recorded::find(site, path, None)? else {
            return Ok(Self {
                link: None,
                backup: None,
            });
        };
        let fail = |cause| failed("examine", path)(cause);
        let link = FoundLink::at(&place.dir, &place.name).map_err(fail)?;
        let file = FileMark::at(&place.dir, place.name.as_os_str()).map_err(fail)?;
        let file = file.filter(|mark| !matches!(mark.kind(), FileType::Symlink | FileType::Directory));
        let directory = FileMark::of_open(&place.dir).map_err(fail)?;
        let backup = file.map(|file| Backup { file, directory });
        Ok(Self { link, backup })
    }
}

/// Adds the missing directories above `symlink` to `made`, and returns them.
fn missing(site: &Site, made: &mut Made, symlink: &Symlink) -> Vec<PathBuf> {
    let is_missing = |path: &&Path| matches!(fs::lstat(*path), Err(Errno::NOENT));
    let missing: Vec<_> = symlink
        .at
        .ancestors()
        .skip(1)
        .take_while(is_missing)
        .map(Path::to_owned)
        .collect();
    let entries = missing.iter().map(|path| (path.clone(), begun(site, path)));
    made.directories.extend(entries);
    missing
}

/// The directory `path` before it is made.
fn begun(site: &Site, path: &Path) -> Directory {
    Directory {
        mark: None,
        since: now(),
        mounted: recorded::mounted(site, path),
        told: false,
    }
}

/// Corrects in `made` what is known only after the symlinks were made: which symlinks and directories these are. Directories of
/// `intended` that this run has not made leave the ledger.
pub(crate) fn confirm(site: &Site, made: &mut Made, intended: &BTreeSet<PathBuf>, spread: &Spread) {
    for PlacedLink { at, found } in &spread.placed {
        let Some(link) = made.links.get_mut(at) else { continue };
        // Only what this run was about to make is confirmed.
        if let Some(making) = link.making.take_if(|making| making.target == found.target) {
            link.made = Some(MadeLink {
                target: making.target,
                mark: found.mark,
            });
        }
    }
    // What this run has made is certain, also if it was not foreseen.
    let new = spread.directories.iter().filter(|(path, _)| path.to_str().is_some());
    for (path, mark) in new.clone() {
        let directory = Directory {
            mark: *mark,
            ..begun(site, path)
        };
        made.directories.insert(path.clone(), directory);
    }
    let new: BTreeSet<_> = new.map(|(path, _)| path).collect();
    for path in intended.iter().filter(|path| !new.contains(path)) {
        let is_clear = made
            .directories
            .get(path)
            .is_some_and(|directory| is_clear(site, path, directory));
        if is_clear {
            made.directories.remove(path);
        }
    }
}

/// Whether no directory is left under the temporary name that this run has for the directory `path`, which it did not make.
fn is_clear(site: &Site, path: &Path, directory: &Directory) -> bool {
    match recorded::find(site, path, None) {
        Ok(Reached::Place(place)) => clear(&place.dir, &suffixed(&place.name, NEW), directory),
        Ok(Reached::Nothing | Reached::Replaced(_)) => true,
        Ok(Reached::Unmounted) | Err(_) => false,
    }
}

/// Removes the directory `new`, which has a temporary name, if a run can have made it and it is empty. Returns whether no such
/// directory is left.
pub(crate) fn clear(dir: &OwnedFd, new: &OsStr, directory: &Directory) -> bool {
    match FileMark::at(dir, new) {
        Ok(Some(there)) if there.kind() == FileType::Directory && there.was_born_near(directory.since) => matches!(
            fs::unlinkat(dir, new, AtFlags::REMOVEDIR),
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY | Errno::EXIST)
        ),
        Ok(_) => true,
        Err(_) => false,
    }
}
