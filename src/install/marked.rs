//! The marks of symlinks and copies in the ledger: notes them once these are there, and knows by them what an earlier run has made.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use rustix::fs::{self, FileType, Stat};

use super::{
    destination::Destination,
    files::{self, NEW, suffixed},
    ledger::Ledger,
    made::{MadeLink, mark},
    unsynced::Unsynced,
};
use crate::system::root::Root;

/// Notes the marks of the symlinks and copies at `places` which have none yet. `unsynced` gets the directories of copies that a
/// killed run has put there.
pub(crate) fn confirm(ledger: &mut Ledger, root: &Root, places: &HashMap<PathBuf, PathBuf>, unsynced: &mut Unsynced) {
    for at in places.values() {
        let is_open = |link: &&mut MadeLink| link.new.is_some() || (!link.is_copy && link.mark.is_none());
        if let Some(link) = ledger.made.links.get_mut(at).filter(is_open)
            && let Ok(Some(place)) = Destination::without_symlinks(root, at)
        {
            let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
            let is_ours = link.is_at(&place.dir, &place.name) == Ok(true);
            // If the file could not be removed from its temporary name, a later run has to do that.
            let rest = files::status(&place.dir, &*suffixed(&place.name, NEW)).ok().flatten();
            let is_left = rest.is_some_and(|rest| link.new == Some(rest.st_ino));
            match there.filter(|_| is_ours) {
                Some(there) if files::kind(&there) == FileType::Symlink => {
                    (link.mark, link.copy) = (Some(mark(&there)), None);
                }
                Some(there) if link.is_copy => {
                    let is_new = link.new == Some(there.st_ino);
                    (link.copy, link.mark) = (Some(mark(&there)), None);
                    if is_new {
                        unsynced.add_if_on_disk(place);
                    }
                }
                _ => {}
            }
            link.new = link.new.filter(|_| is_left);
            link.begun = link.begun.take().filter(|_| is_left);
            link.born = link.born.take().filter(|_| is_left);
        }
    }
}

/// Takes out what `links` has of the symlink or copy `there` at `place`, whose path without symlinks is `at`. It may have been noted with
/// another path: a directory can be mounted twice, or was moved, and a symlink put in its place. What is still at that other path, beside what
/// is at this one, keeps its entry: whoever owns the directory of one path could give a file there the number and the time of another.
pub(crate) fn take_known(
    links: &mut BTreeMap<PathBuf, MadeLink>,
    at: &Path,
    place: &Destination,
    there: Option<&Stat>,
) -> Option<MadeLink> {
    let by_path = links.remove(at);
    let Some(there) = there else { return by_path };
    let (mark, target) = (mark(there), place.target());
    let is_link = |known: &MadeLink| known.mark.as_ref() == Some(&mark) && Some(known.target.as_os_str()) == target.as_deref();
    // A file with several names may be at several places.
    let is_copy = |known: &MadeLink| there.st_nlink == 1 && known.copy.as_ref() == Some(&mark);
    let is_it = |known: &MadeLink| is_link(known) || is_copy(known);
    let is_elsewhere = |path: &Path, known: &MadeLink| {
        fs::lstat(path).is_ok_and(|other| {
            let other_mark = Some(self::mark(&other));
            let is_known = known.mark == other_mark || known.copy == other_mark;
            is_known && (other.st_dev, other.st_ino) != (there.st_dev, there.st_ino)
        })
    };
    let mut others = links
        .iter()
        .filter(|(path, known)| is_it(known) && !is_elsewhere(path, known));
    let from = others.next().map(|(path, _)| path.clone());
    match from {
        Some(from) if !by_path.as_ref().is_some_and(is_it) => links.remove(&from),
        _ => by_path,
    }
}
