//! Notes in the ledger which symlinks a run makes at declared paths: before it makes them, and once more when they are there.

use std::{
    collections::{BTreeMap, HashMap},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{self, FileType, Stat};

use super::{
    destination::Destination,
    entry::Entry,
    error::{InstallError, failed},
    files,
    homes::Homes,
    ledger::{self, Ledger},
    lock,
    made::{MadeDirectory, MadeLink, mark},
    parents,
    plan::Wanted,
    site::Site,
    walk, withdrawal, writers,
};
use crate::system::{budget, mounts::Mounts, root::Root};

/// The places of the symlinks of this run without symlinks on the way, by the paths that the manifest declares.
pub(crate) type LinkPlaces = HashMap<PathBuf, PathBuf>;

/// The symlinks that a run makes, as far as they are noted.
pub(crate) struct Noted {
    ledger: Option<Ledger>,
    /// The places; `None` if they are not known, because the ledger could not be used.
    places: Option<LinkPlaces>,
    /// Why symlinks may be made that the ledger does not have.
    trouble: Option<InstallError>,
}

impl Noted {
    /// Notes the symlinks that are about to be made, with the files that will be moved aside for them. Makes the directories on the way,
    /// and notes them before it makes the first. What fails here fails once more when the symlink is made, and is told then.
    pub(crate) fn before(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Self {
        let outside: Vec<_> = entries
            .iter()
            .zip(wanted)
            .filter_map(|(entry, wanted)| match wanted {
                Wanted::Outside(path) => Some((*path, site.link.join(entry.place()))),
                Wanted::Nothing | Wanted::Inside(_) => None,
            })
            .collect();
        let mut noted = Self {
            ledger: None,
            places: outside.is_empty().then(LinkPlaces::new),
            trouble: None,
        };
        let Some(path) = site.ledger.as_deref().filter(|_| !outside.is_empty()) else {
            return noted;
        };
        let is_needed = outside.iter().any(|(path, to)| !is_there(&site.root, path, to));
        match open(&site.root, path, site.homes, is_needed) {
            Ok(ledger) => noted.ledger = ledger,
            Err(error) => noted.trouble = is_needed.then_some(error),
        }
        noted.places = noted.ledger.as_mut().map(|ledger| note_all(site, ledger, outside));
        noted
    }

    /// Notes the marks of what has been made. Returns the places of the symlinks, and why some may not be in the ledger.
    pub(crate) fn after(self, root: &Root) -> (Option<LinkPlaces>, Option<InstallError>) {
        let mut trouble = self.trouble;
        if let Some((mut ledger, places)) = self.ledger.zip(self.places.as_ref()) {
            confirm(&mut ledger, root, places);
            ledger.save();
            trouble = ledger.trouble;
        }
        (self.places, trouble.map(InstallError::unrecorded))
    }
}

/// Notes the symlinks `outside`, by their declared paths with their targets, and makes the directories on the way. Returns their places.
fn note_all(site: &Site, ledger: &mut Ledger, outside: Vec<(&Path, PathBuf)>) -> LinkPlaces {
    let missing = outside
        .iter()
        .filter_map(|(declared, _)| parents::missing(&site.root, declared, site.homes).ok());
    let planned: BTreeMap<_, _> = missing.flatten().collect();
    ledger.made.directories.extend(planned.clone());
    ledger.save();
    let mounts = Mounts::now(&site.root);
    let mut places = LinkPlaces::new();
    for (declared, to) in outside {
        let Ok(place) = parents::reach_noting(&site.root, declared, site.homes, Some(ledger)) else {
            continue;
        };
        if let Some(at) = note(ledger, &mounts, &site.link, declared, (&place, &to)) {
            places.insert(declared.to_owned(), at);
        }
    }
    // What this run has not made is not ours, if it is there.
    let is_made = |at: &Path, directory: &MadeDirectory| directory.inode.is_some() || !planned.contains_key(at);
    ledger.made.directories.retain(|at, directory| is_made(at, directory));
    ledger.save();
    places
}

/// Whether the symlink `path` leads to `to` already.
fn is_there(root: &Root, path: &Path, to: &Path) -> bool {
    let place = walk::find(root, path, None).ok().and_then(|way| way.place);
    place
        .and_then(|place| place.target())
        .is_some_and(|target| target == to.as_os_str())
}

/// Opens the ledger `path`, and takes its lock. If there is none, it is made if it `is_needed`, and `None` otherwise.
pub(crate) fn open(root: &Root, path: &Path, homes: Homes, is_needed: bool) -> Result<Option<Ledger>, InstallError> {
    if is_needed {
        // The directory may be there already, so the result is looked up below.
        parents::reach(root, path, homes)?;
    }
    let Some(dir) = directory(root, path)? else { return Ok(None) };
    if !is_needed && files::status(&dir, ledger::NAME).map_err(failed("examine", path))?.is_none() {
        return Ok(None);
    }
    let lock = lock::take_soon(&dir, budget::LEDGER).map_err(failed("lock", path))?;
    let lock = lock.ok_or_else(|| InstallError::busy_ledger(path, budget::LEDGER.as_secs()))?;
    Ledger::read(dir, path, Some(lock)).map(Some)
}

/// The ledger as it is now, without its lock. `None` if there is none.
pub(crate) fn look(root: &Root, path: &Path) -> Result<Option<Ledger>, InstallError> {
    directory(root, path)?.map(|dir| Ledger::read(dir, path, None)).transpose()
}

/// The directory of the ledger. Nobody but root and the caller may be able to put another ledger there.
fn directory(root: &Root, path: &Path) -> Result<Option<OwnedFd>, InstallError> {
    let way = walk::find(root, path, None).map_err(|lost| lost.error)?;
    let Some(place) = way.place else { return Ok(None) };
    let status = fs::fstat(&place.dir).map_err(failed("examine", path))?;
    if !way.is_safe || !writers::of(&status, None).is_empty() {
        return Err(InstallError::foreign_ledger(path));
    }
    files::open_directory(&place.dir, c".")
        .map(Some)
        .map_err(failed("open", path))
}

/// Notes the symlink of `installation` that is to lead from `place` to `to`. Returns its place; `None` if it could not be known again
/// there.
fn note(
    ledger: &mut Ledger,
    mounts: &Mounts,
    installation: &Path,
    declared: &Path,
    (place, to): (&Destination, &Path),
) -> Option<PathBuf> {
    let at = place.resolved()?;
    let mount = mounts.on_the_way(&at).pop();
    let mut link = MadeLink {
        declared: declared.to_owned(),
        installation: installation.to_owned(),
        target: to.to_owned(),
        directory: fs::fstat(&place.dir).ok()?.st_ino,
        file_system: mount.map(|mount| mount.file_system.clone()),
        mark: None,
        backup: None,
        is_told: false,
    };
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    let known = take_known(&mut ledger.made.links, &at, place, there.as_ref());
    if place.target().is_some_and(|target| target == to.as_os_str()) {
        // If the ledger does not have it, somebody else made it.
        let is_ours = |known: &MadeLink| known.target == link.target && known.is_at(&place.dir, &place.name) == Ok(true);
        if let Some(known) = known.filter(is_ours) {
            (link.mark, link.backup) = (known.mark, known.backup);
            ledger.made.links.insert(at.clone(), link);
        }
        return Some(at);
    }
    if let Some(known) = &known {
        // A run that was killed while it removed the symlink may have left it under another name.
        let _ = withdrawal::clear_beside(place, known);
    }
    // A directory is in the way, and a symlink is replaced, so neither is moved aside.
    let moved = there.filter(|there| !matches!(files::kind(there), FileType::Directory | FileType::Symlink));
    link.backup = moved.as_ref().map(mark).or_else(|| known?.backup);
    ledger.made.links.insert(at.clone(), link);
    Some(at)
}

/// Takes out what `links` has of the symlink `there` at `place`, whose path without symlinks is `at`. The symlink may have been noted with
/// another path: a directory can be mounted twice, or was moved, and a symlink put in its place.
fn take_known(links: &mut BTreeMap<PathBuf, MadeLink>, at: &Path, place: &Destination, there: Option<&Stat>) -> Option<MadeLink> {
    let by_path = links.remove(at);
    let Some(there) = there else { return by_path };
    let (mark, target) = (mark(there), place.target());
    let is_it = |known: &MadeLink| known.mark.as_ref() == Some(&mark) && Some(known.target.as_os_str()) == target.as_deref();
    let from = links.iter().find_map(|(path, known)| is_it(known).then(|| path.clone()));
    match from {
        Some(from) if !by_path.as_ref().is_some_and(is_it) => links.remove(&from),
        _ => by_path,
    }
}

/// Notes the marks of the symlinks at `places` which have none yet.
fn confirm(ledger: &mut Ledger, root: &Root, places: &LinkPlaces) {
    for at in places.values() {
        if let Some(link) = ledger.made.links.get_mut(at).filter(|link| link.mark.is_none())
            && let Ok(Some(place)) = Destination::without_symlinks(root, at)
            && link.is_at(&place.dir, &place.name) == Ok(true)
        {
            let there = files::status(&place.dir, place.name.as_os_str());
            link.mark = there.ok().flatten().as_ref().map(mark);
        }
    }
}
