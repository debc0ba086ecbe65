//! Removes the symlinks of former secrets, and puts back what was moved aside for them.
//!
//! Only the symlink that a run has made is removed, and only the file that was moved aside is put back. Whatever somebody has put in the
//! place of either stays.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use rustix::fs;

use super::{
    error::{InstallError, failed},
    homes::Homes,
    made::{Link, Made},
    recorded::{self, Reached},
    site::Site,
    step::Step,
    symlinks::Symlink,
    withdrawal::{self, Withdrawn},
};
use crate::text::shell;

/// What became of the symlink of a former secret.
pub(crate) enum Removal {
    /// No symlink of ours is there now.
    Done,
    /// The symlink was replaced by the file that had been moved aside for it, from this path.
    PutBack(PathBuf),
    /// The file that had been moved aside still has this path, because something of somebody else is in its place.
    Occupied(PathBuf),
    /// The symlink cannot be reached any more, and why.
    Forgotten(InstallError),
    /// It is this symlink of a secret that there is, by another path.
    Is(Symlink),
    /// What is there stays until a later run.
    Stays,
}

/// The symlinks in `made` that belong to no secret any more. `symlinks` are those that there are now. What belongs to a path in
/// `without_symlink` stays.
pub(crate) fn gone(made: &Made, symlinks: &[Symlink], without_symlink: &BTreeSet<PathBuf>) -> Vec<(PathBuf, Link)> {
    let kept: HashSet<_> = symlinks.iter().map(|symlink| symlink.at.as_path()).collect();
    made.links
        .iter()
        .filter(|(path, link)| !kept.contains(path.as_path()) && !without_symlink.contains(&link.declared))
        .map(|(path, link)| (path.clone(), link.clone()))
        .collect()
}

/// Removes the symlink at `path`. `places` are the places of the symlinks that stay: one place may have two paths, by a bind mount.
pub(crate) fn remove(site: &Site, path: &Path, link: &Link, places: &HashMap<Step, Symlink>) -> Result<Removal, InstallError> {
    let left = |error| InstallError::left(&error, path, &format!("rm {}", shell::path(path)));
    let mounted = link.mounted.as_deref();
    let place = match recorded::find(site, path, mounted).map_err(left)? {
        Reached::Place(place) => place,
        Reached::Nothing => return Ok(Removal::Done),
        Reached::Replaced(part) => return Ok(Removal::Forgotten(InstallError::led_away(path, &part))),
        // More is mounted later in this boot.
        Reached::Unmounted if site.homes == Homes::Earlier => return Ok(Removal::Stays),
        Reached::Unmounted => return Err(InstallError::not_mounted(path, mounted.unwrap_or(path))),
    };
    let dir = fs::fstat(&place.dir).map_err(failed("examine", path)).map_err(left)?;
    if let Some(other) = places.get(&Step::of(&dir, &place.name)) {
        return Ok(Removal::Is(other.clone()));
    }
    Ok(match withdrawal::withdraw(&place, link)? {
        Withdrawn::Done => Removal::Done,
        Withdrawn::PutBack(backup) => Removal::PutBack(path.with_file_name(backup)),
        Withdrawn::Occupied(backup) => Removal::Occupied(path.with_file_name(backup)),
        Withdrawn::Unsure => Removal::Stays,
    })
}

/// Whether the symlink at `path` is there, and is ours.
pub(crate) fn is_there(site: &Site, path: &Path, link: &Link) -> bool {
    match recorded::find(site, path, link.mounted.as_deref()) {
        Ok(Reached::Place(place)) => withdrawal::is_ours(&place, &place.name, link).unwrap_or(false),
        _ => false,
    }
}
