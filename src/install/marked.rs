//! Notes the marks of symlinks and copies once they are there.

use std::{collections::HashMap, path::PathBuf};

use rustix::fs::FileType;

use super::{
    destination::Destination,
    files::{self, NEW, suffixed},
    ledger::Ledger,
    made::{MadeLink, mark},
    unsynced::Unsynced,
};
use crate::system::{memory, root::Root};

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
                    if is_new && memory::holds(&place.dir) != Ok(true) {
                        unsynced.add(place);
                    }
                }
                _ => {}
            }
            link.new = link.new.filter(|_| is_left);
        }
    }
}
