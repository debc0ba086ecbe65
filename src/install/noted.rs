//! Notes in the ledger which symlinks a run makes at declared paths: before it makes them, and once more when they are there.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{self, FileType};

use super::{
    destination::Destination,
    entry::Entry,
    error::{InstallError, failed},
    files,
    homes::Homes,
    ledger::{self, Ledger},
    lock,
    made::{MadeLink, mark},
    parents,
    plan::Wanted,
    site::Site,
    walk, writers,
};
use crate::system::{
    budget,
    mounts::{Mount, Mounts},
    root::Root,
};

/// The places of the symlinks of this run without symlinks on the way, by the paths that the manifest declares.
pub(crate) type Places = HashMap<PathBuf, PathBuf>;

/// The symlinks that a run makes, as far as they are noted.
pub(crate) struct Noted {
    ledger: Option<Ledger>,
    places: Places,
    /// Why symlinks may be made that the ledger does not have.
    trouble: Option<InstallError>,
}

impl Noted {
    /// Notes the symlinks that are about to be made, with the files that will be moved aside for them. Makes the directories on the way,
    /// and notes each before it makes it. What fails here fails once more when the symlink is made, and is told then.
    pub(crate) fn before(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Self {
        let mut noted = Self {
            ledger: None,
            places: Places::new(),
            trouble: None,
        };
        let outside: Vec<_> = entries
            .iter()
            .zip(wanted)
            .filter_map(|(entry, wanted)| match wanted {
                Wanted::Outside(path) => Some((*path, site.link.join(entry.place()))),
                Wanted::Nothing | Wanted::Inside(_) => None,
            })
            .collect();
        let Some(path) = site.ledger.as_deref().filter(|_| !outside.is_empty()) else {
            return noted;
        };
        let is_needed = outside.iter().any(|(path, to)| !is_there(&site.root, path, to));
        match open(&site.root, path, site.homes, is_needed) {
            Ok(ledger) => noted.ledger = ledger,
            Err(error) => noted.trouble = is_needed.then_some(error),
        }
        let Some(ledger) = &mut noted.ledger else { return noted };
        let mounts = Mounts::now(&site.root);
        for (declared, to) in outside {
            let Ok(place) = parents::reach_noting(&site.root, declared, site.homes, Some(ledger)) else {
                continue;
            };
            if let Some(at) = note(ledger, &mounts, &site.link, declared, (&place, &to)) {
                noted.places.insert(declared.to_owned(), at);
            }
        }
        ledger.save();
        noted
    }

    /// Notes the marks of what has been made. Returns the places of the symlinks, and why some may not be in the ledger.
    pub(crate) fn after(self, root: &Root) -> (Places, Option<InstallError>) {
        let mut trouble = self.trouble;
        if let Some(mut ledger) = self.ledger {
            confirm(&mut ledger, root, &self.places);
            ledger.save();
            trouble = ledger.trouble;
        }
        (self.places, trouble.map(InstallError::unrecorded))
    }
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
    let mut link = MadeLink {
        declared: declared.to_owned(),
        installation: installation.to_owned(),
        target: to.to_owned(),
        directory: fs::fstat(&place.dir).ok()?.st_ino,
        is_in_memory: mounts.of(&at).is_some_and(Mount::is_in_memory),
        mark: None,
        backup: None,
        is_told: false,
    };
    if place.target().is_some_and(|target| target == to.as_os_str()) {
        keep(ledger, place, &link, &at);
        return Some(at);
    }
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    // A directory is in the way, and a symlink is replaced, so neither is moved aside.
    let moved = there.filter(|there| !matches!(files::kind(there), FileType::Directory | FileType::Symlink));
    let earlier = ledger.made.links.get(&at).and_then(|known| known.backup.clone());
    link.backup = moved.as_ref().map(mark).or(earlier);
    ledger.made.links.insert(at.clone(), link);
    Some(at)
}

/// Keeps what the ledger has of a symlink that leads to `to` already. If the ledger does not have it, somebody else made it.
fn keep(ledger: &mut Ledger, place: &Destination, link: &MadeLink, at: &Path) {
    let links = &mut ledger.made.links;
    let is_ours = |known: &MadeLink| known.target == link.target && known.is_at(&place.dir, &place.name) == Ok(true);
    let known = links.remove(at).filter(is_ours).or_else(|| {
        // A directory on the way may have been moved, and a symlink put in its place. Then the symlink is known by its old place.
        let is_moved = |known: &MadeLink| {
            (&known.declared, &known.installation) == (&link.declared, &link.installation)
                && known.mark.is_some()
                && is_ours(known)
        };
        let from = links.iter().find_map(|(path, known)| is_moved(known).then(|| path.clone()));
        links.remove(&from?)
    });
    if let Some(MadeLink { mark, backup, .. }) = known {
        let link = MadeLink {
            mark,
            backup,
            ..link.clone()
        };
        links.insert(at.to_owned(), link);
    }
}

/// Notes the marks of the symlinks at `places`, and of the directories made for them, which have none yet.
fn confirm(ledger: &mut Ledger, root: &Root, places: &Places) {
    for at in places.values() {
        if let Some(link) = ledger.made.links.get_mut(at).filter(|link| link.mark.is_none())
            && let Ok(Some(place)) = Destination::without_symlinks(root, at)
            && link.is_at(&place.dir, &place.name) == Ok(true)
        {
            link.mark = files::status(&place.dir, place.name.as_os_str())
                .ok()
                .flatten()
                .as_ref()
                .map(mark);
        }
    }
    let is_above = |directory: &Path| places.values().any(|at| at.starts_with(directory));
    for (at, directory) in &mut ledger.made.directories {
        if directory.inode.is_none()
            && is_above(at)
            && let Ok(Some(place)) = Destination::without_symlinks(root, at)
            && let Ok(Some(there)) = files::status(&place.dir, place.name.as_os_str())
            && directory.is(&there)
        {
            directory.group = Some(there.st_gid);
            directory.inode = Some(there.st_ino);
        }
    }
}
