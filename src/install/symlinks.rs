//! The symlinks outside the published tree that a run makes.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{entry::Entry, plan::Wanted, site::Site};

/// A symlink outside the published tree that a run makes.
pub(crate) struct Symlink<'a> {
    /// The declared path.
    pub declared: &'a Path,
    /// The path without symlinks.
    pub at: PathBuf,
    /// Where the symlink leads.
    pub target: PathBuf,
}

/// The symlinks outside the published tree that a run makes.
pub(crate) fn symlinks<'a>(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'a>]) -> Vec<Symlink<'a>> {
    let pairs = entries.iter().zip(wanted);
    pairs
        .filter_map(|(entry, wanted)| match wanted {
            Wanted::Outside { path, at } => Some(Symlink {
                declared: path,
                at: named(at, path),
                target: site.link.join(entry.place()),
            }),
            Wanted::Inside(_) | Wanted::Nothing => None,
        })
        .collect()
}

/// The declared paths that have no symlink in this plan, as if there is an obstacle. What an earlier run has made for such a path stays.
pub(crate) fn without_symlink<'a>(entries: &'a [Entry<'_>], wanted: &[Wanted<'_>]) -> BTreeSet<&'a Path> {
    let pairs = entries.iter().zip(wanted);
    pairs
        .filter(|(_, wanted)| matches!(wanted, Wanted::Nothing))
        .filter_map(|(entry, _)| entry.path.as_deref())
        .collect()
}

/// The path by which the ledger names a place. The ledger is JSON, so a path that is no Unicode cannot be in it. A declared path can.
pub(crate) fn named(at: &Path, declared: &Path) -> PathBuf {
    let at = if at.to_str().is_some() { at } else { declared };
    at.to_owned()
}
