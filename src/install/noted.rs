//! Notes in the ledger which symlinks and copies a run makes at declared paths: before it makes them, and once more when they are there.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use rustix::fs::{self, FileType, Stat};

use super::{
    copies::{self, BegunCopy},
    destination::Destination,
    entry::Entry,
    error::InstallError,
    files::{self, NEW, suffixed},
    ledger::Ledger,
    links,
    made::{MadeDirectory, MadeLink, mark},
    marked,
    newcomer::Newcomer,
    open_ledger::open,
    outside::Outside,
    parents,
    plan::Wanted,
    site::Site,
    unsynced::Unsynced,
    withdrawal,
};
use crate::system::{memory, mounts::Mounts, root::Root};

/// The places of the symlinks and copies of this run without symlinks on the way, by the paths that the manifest declares.
pub(crate) type LinkPlaces = HashMap<PathBuf, PathBuf>;

/// The symlinks and copies that a run makes, as far as they are noted.
pub(crate) struct Noted {
    ledger: Option<Ledger>,
    /// The places; `None` if they are not known, because the ledger could not be used.
    places: Option<LinkPlaces>,
    /// What the ledger had of the declared paths before.
    known: HashMap<PathBuf, MadeLink>,
    /// The files that become copies, by their declared paths. A copy that stays has none.
    begun: HashMap<PathBuf, Result<BegunCopy, InstallError>>,
    /// The directories of copies that may not be on the disk yet.
    unsynced: Unsynced,
    /// Why symlinks may be made that the ledger does not have, and copies are not made.
    trouble: Option<InstallError>,
}

impl Noted {
    /// Notes the symlinks and copies that are about to be made, with the files that will be moved aside for them. Makes the directories on
    /// the way, and notes them before it makes the first; and the empty files that become copies. What fails here for a symlink fails once
    /// more when the symlink is made, and is told then.
    pub(crate) fn before(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Self {
        let outside: Vec<_> = entries
            .iter()
            .zip(wanted)
            .filter_map(|(entry, wanted)| match wanted {
                Wanted::Outside(declared) => Some(Outside {
                    entry,
                    declared,
                    to: site.link.join(entry.place()),
                }),
                Wanted::Nothing | Wanted::Inside(_) => None,
            })
            .collect();
        let mut noted = Self {
            ledger: None,
            places: outside.is_empty().then(LinkPlaces::new),
            known: HashMap::new(),
            begun: HashMap::new(),
            unsynced: Unsynced::default(),
            trouble: None,
        };
        let Some(path) = site.ledger.as_deref().filter(|_| !outside.is_empty()) else {
            return noted;
        };
        let is_needed = outside.iter().any(|outside| !outside.is_there(&site.root));
        match open(&site.root, path, site.homes, is_needed) {
            Ok(Some(ledger)) => noted.note_all(site, ledger, &outside),
            Ok(None) => {}
            Err(error) => noted.trouble = is_needed.then_some(error),
        }
        noted
    }

    /// Takes out what the ledger had of the declared path `path` before.
    pub(crate) fn take_known(&mut self, path: &Path) -> Option<MadeLink> {
        self.known.remove(path)
    }

    /// Takes out the file that becomes the copy at the declared path `path`.
    pub(crate) fn take_begun(&mut self, path: &Path) -> Option<Result<BegunCopy, InstallError>> {
        self.begun.remove(path)
    }

    /// Moves aside what a killed run may have left under the temporary name of a copy that is there: the file that was there before. Returns
    /// a warning about it.
    pub(crate) fn clear_rest(&self, place: &Destination) -> Result<Vec<String>, InstallError> {
        match &self.ledger {
            Some(_) => links::clear(place, &suffixed(&place.name, NEW), &Newcomer::copy(None)),
            None => Ok(Vec::new()),
        }
    }

    /// Notes that the copy at the declared path `path` was written: `written` is the status of its file.
    pub(crate) fn wrote(&mut self, path: &Path, written: &Stat, place: Destination) {
        let at = self.places.as_ref().and_then(|places| places.get(path));
        let link = at
            .zip(self.ledger.as_mut())
            .and_then(|(at, ledger)| ledger.made.links.get_mut(at));
        if let Some(link) = link {
            // Somebody may have changed it already, so its mark is that of what was written.
            (link.copy, link.mark) = (Some(mark(written)), None);
            (link.new, link.begun, link.born) = (None, None, None);
        }
        self.unsynced.add_if_on_disk(place);
    }

    /// Why no copy is made at the declared path `path`.
    pub(crate) fn unrecorded(&self, path: &Path) -> InstallError {
        let of_ledger = self.ledger.as_ref().and_then(|ledger| ledger.trouble.as_ref());
        InstallError::copy_unrecorded(path, self.trouble.as_ref().or(of_ledger))
    }

    /// Notes the marks of what has been made. Returns the places of the symlinks and copies, and why some may not be in the ledger.
    pub(crate) fn after(self, root: &Root) -> (Option<LinkPlaces>, Option<InstallError>) {
        let mut trouble = self.trouble;
        if let Some((mut ledger, places)) = self.ledger.zip(self.places.as_ref()) {
            let mut unsynced = self.unsynced;
            marked::confirm(&mut ledger, root, places, &mut unsynced);
            // A copy must be at its place on the disk before the ledger knows it by its mark.
            match unsynced.finish(ledger.path()) {
                Ok(()) => ledger.save(),
                Err(error) => ledger.trouble = Some(error),
            }
            trouble = ledger.trouble;
        }
        (self.places, trouble.map(InstallError::unrecorded))
    }

    /// Notes `all`, and makes the directories on the way, and the files that become copies.
    fn note_all(&mut self, site: &Site, mut ledger: Ledger, all: &[Outside<'_>]) {
        let missing = all
            .iter()
            .filter_map(|outside| parents::missing(&site.root, outside.declared, site.homes).ok());
        let planned: BTreeMap<_, _> = missing.flatten().collect();
        ledger.made.directories.extend(planned.clone());
        ledger.save();
        let mounts = Mounts::now(&site.root);
        let mut places = LinkPlaces::new();
        let mut copies = Vec::new();
        for outside in all {
            let place = match parents::reach_noting(&site.root, outside.declared, site.homes, Some(&mut ledger)) {
                Ok(place) => place,
                Err(error) => {
                    self.fail(outside, error);
                    continue;
                }
            };
            let Some(at) = place.resolved() else { continue };
            if self.note(&mut ledger, &mounts, &site.link, outside, (&place, &at)) {
                copies.push((outside.declared, at.clone()));
            }
            places.insert(outside.declared.to_owned(), at);
        }
        // What this run has not made is not ours, if it is there.
        let is_made = |at: &Path, directory: &MadeDirectory| directory.inode.is_some() || !planned.contains_key(at);
        ledger.made.directories.retain(|at, directory| is_made(at, directory));
        ledger.save();
        self.begin(site, &mut ledger, &copies);
        (self.ledger, self.places) = (Some(ledger), Some(places));
    }

    /// Remembers why a copy cannot be made.
    fn fail(&mut self, outside: &Outside<'_>, error: InstallError) {
        if outside.entry.at_path.is_copy() {
            self.begun.insert(outside.declared.to_owned(), Err(error));
        }
    }

    /// Notes the symlink or copy of `installation` that is to be at `place`, whose path without symlinks is `at`. Returns whether it is a
    /// copy that is to be written.
    fn note(
        &mut self,
        ledger: &mut Ledger,
        mounts: &Mounts,
        installation: &Path,
        outside: &Outside<'_>,
        (place, at): (&Destination, &Path),
    ) -> bool {
        let Ok(dir) = fs::fstat(&place.dir) else { return false };
        let (in_memory, mount) = (memory::instance(&place.dir).ok().flatten(), mounts.on_the_way(at).pop());
        let is_copy = outside.entry.at_path.is_copy();
        let mut link = MadeLink {
            declared: outside.declared.to_owned(),
            installation: installation.to_owned(),
            target: outside.to.clone(),
            directory: dir.st_ino,
            file_system: in_memory.or_else(|| mount.map(|mount| mount.location(at))),
            mark: None,
            is_copy,
            copy: None,
            new: None,
            begun: None,
            born: None,
            backup: None,
            is_told: false,
        };
        let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
        let known = marked::take_known(&mut ledger.made.links, at, place, there.as_ref());
        // What was in memory went with the last restart, and so did what had been moved aside. What is there now is new.
        let mut known = known.filter(|known| !known.went_with_memory(&place.dir));
        let is_begun = known.as_ref().and_then(|known| known.is_begun_at(&place.dir, &place.name));
        // A killed run has put its first copy there. Its mark is the one that it had from the start, unless somebody has touched or changed it.
        if let Some(known) = known.as_mut().filter(|known| is_begun == Some(true) && known.copy.is_none()) {
            known.copy.clone_from(&known.begun);
        }
        let was_copy = |there: &Stat| known.as_ref().is_some_and(|known| known.was_copy_with(there));
        if outside.is_at(place) {
            // If the ledger does not have it, somebody else made it.
            let is_ours = |known: &MadeLink| known.target == link.target && known.is_at(&place.dir, &place.name) == Ok(true);
            // A program may have put the same content in the place of our copy, or touched one that a killed run has put there. It goes with
            // the secret all the same.
            let may_be = |known: &MadeLink| there.is_some_and(|there| known.may_be_begun_at(&place.dir, &place.name, &there));
            let is_ours = |known: &MadeLink| is_ours(known) || (is_copy && (known.copy.is_some() || may_be(known)));
            if let Some(known) = known.as_ref().filter(|known| is_ours(known)) {
                (link.mark, link.backup) = (known.mark.clone(), known.backup.clone());
                if is_copy {
                    // One that a killed run has put there may not be on the disk yet, so it gets its mark later. Until then it is known by the
                    // time that it has now.
                    let is_new = known.new.is_some() && known.new == there.as_ref().map(|there| there.st_ino);
                    (link.mark, link.new) = (None, known.new.filter(|_| is_new));
                    link.begun = there.as_ref().map(mark).filter(|_| is_new);
                    link.born = known.born.clone().filter(|_| is_new);
                    link.copy = if is_new {
                        known.copy.clone()
                    } else {
                        there.as_ref().map(mark)
                    };
                }
                // A run that was killed while it wrote a copy, or replaced one, may have left it under the temporary name.
                if known.new.is_some() || (known.copy.is_some() && !is_copy) {
                    let _ = withdrawal::clear_beside(place, known, is_copy);
                }
                ledger.made.links.insert(at.to_owned(), link);
            }
            return false;
        }
        // A run that was killed while it removed the symlink or copy may have left it under another name.
        if let Some(known) = &known {
            let _ = withdrawal::clear_beside(place, known, is_copy);
        }
        // A directory is in the way, a symlink is replaced, and what has taken the place of a copy need not come back. So they are not put
        // back later.
        let moved =
            there.filter(|there| !matches!(files::kind(there), FileType::Directory | FileType::Symlink) && !was_copy(there));
        // Without a mark, it was there if it is there, or if the file that was there before it is beside it.
        let had_copy = known
            .as_ref()
            .is_some_and(|known| known.copy.is_some() || (known.new.is_some() && known.backup.is_some()));
        let moved = moved.filter(|_| !had_copy).as_ref().map(mark);
        link.backup = moved.or_else(|| known.as_ref()?.backup.clone());
        // What is there now is ours until the new one is in its place.
        let ours = there.filter(|there| known.as_ref().is_some_and(|known| known.is_copy_with(there)));
        link.copy = ours.as_ref().map(mark).or_else(|| known.as_ref()?.copy.clone());
        if is_copy {
            link.mark = known.as_ref().and_then(|known| known.mark.clone());
            link.new = Some(0);
        }
        ledger.made.links.insert(at.to_owned(), link);
        self.known.extend(known.map(|known| (outside.declared.to_owned(), known)));
        is_copy
    }

    /// Makes the files that become the copies at these declared paths and places, and notes their numbers. Until the ledger has these, no
    /// secret is written.
    fn begin(&mut self, site: &Site, ledger: &mut Ledger, copies: &[(&Path, PathBuf)]) {
        if ledger.trouble.is_some() {
            return;
        }
        for (declared, at) in copies {
            let Some(link) = ledger.made.links.get_mut(at) else { continue };
            let reached = parents::reach(&site.root, declared, site.homes);
            let begun = reached.and_then(|place| copies::begin(&place, self.known.get(*declared)));
            if let Ok(BegunCopy { status, born, .. }) = &begun {
                (link.new, link.begun, link.born) = (Some(status.st_ino), Some(mark(status)), born.clone());
            }
            self.begun.insert((*declared).to_owned(), begun);
        }
        ledger.save();
        if ledger.trouble.is_none() {
            return;
        }
        for (declared, begun) in self.begun.drain() {
            if let (Ok(place), Ok(begun)) = (parents::reach(&site.root, &declared, site.homes), begun) {
                copies::abandon(&place, &begun.status);
            }
        }
    }
}
