//! The symlinks outside the published tree that a run makes.

use std::{collections::BTreeSet, path::PathBuf};

use super::{entry::Entry, plan::Wanted, site::Site, step::Step};

/// A symlink outside the published tree that a run makes.
#[derive(Clone)]
pub(crate) struct Symlink {
    /// The declared path.
    pub declared: PathBuf,
    /// The path without symlinks.
    pub at: PathBuf,
    /// The last step of the way to it.
    pub end: Step,
    /// Where the symlink leads.
    pub target: PathBuf,
}

/// The symlinks outside the published tree that a run makes. The ledger is JSON, so a path that is no Unicode cannot be in it, and is left
/// out.
pub(crate) fn symlinks(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Vec<Symlink> {
    let pairs = entries.iter().zip(wanted);
    pairs
        .filter_map(|(entry, wanted)| match wanted {
            Wanted::Outside { path, at, end } if at.to_str().is_some() => Some(Symlink {
                declared: path.to_path_buf(),
                at: at.clone(),
                end: end.clone(),
                target: site.link.join(entry.place()),
            }),
            Wanted::Outside { .. } | Wanted::Inside(_) | Wanted::Nothing => None,
        })
        .collect()
}

/// The declared paths that have no symlink in this plan, as if there is an obstacle. What an earlier run has made for such a path stays.
pub(crate) fn without_symlink(entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> BTreeSet<PathBuf> {
    let pairs = entries.iter().zip(wanted);
    pairs
        .filter(|(_, wanted)| matches!(wanted, Wanted::Nothing))
        .filter_map(|(entry, _)| entry.path.clone())
        .collect()
}
