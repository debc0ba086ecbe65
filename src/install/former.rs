//! Removes the symlinks of former secrets, and puts back what was moved aside for them.
//!
//! Only a symlink that leads where the ledger says is removed, and only the file that was moved aside is put back. Whatever somebody has
//! put in the place of either stays.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use rustix::fs;

use super::{
    error::InstallError,
    homes::Homes,
    ledger::{Link, Made},
    recorded::{self, Reached},
    site::Site,
    step::Step,
    symlinks::Symlink,
    withdrawal::{self, Withdrawn},
};
use crate::text::{printable::shown, shell};

/// What became of the symlink of a former secret.
enum Removal {
    /// No symlink of ours is there now.
    Done,
    /// The symlink was replaced by the file that had been moved aside for it, from this path.
    PutBack(PathBuf),
    /// The symlink cannot be reached any more, and why.
    Forgotten(InstallError),
    /// Another symlink of this installation has the same place, by this path.
    SameAs(PathBuf),
    /// What is there stays until a later run.
    Stays,
}

/// The symlinks in `made` that belong to no secret any more. `symlinks` are those that there are now. What belongs to a path in
/// `without_symlink` stays.
pub(crate) fn gone(made: &Made, symlinks: &[Symlink<'_>], without_symlink: &BTreeSet<&Path>) -> Vec<(PathBuf, Link)> {
    let kept: HashSet<_> = symlinks.iter().map(|symlink| symlink.at.as_path()).collect();
    made.links
        .iter()
        .filter(|(path, link)| !kept.contains(path.as_path()) && !without_symlink.contains(link.declared.as_path()))
        .map(|(path, link)| (path.clone(), link.clone()))
        .collect()
}

/// Removes the symlinks `gone` of secrets that are gone. A symlink that cannot be removed stays in `made` for the next run. A warning
/// says so once. Returns the warnings, and those symlinks that need no directory any more, but must stay in the ledger.
pub(crate) fn remove_links(
    site: &Site,
    made: &mut Made,
    symlinks: &[Symlink<'_>],
    gone: Vec<(PathBuf, Link)>,
) -> (Vec<String>, Vec<(PathBuf, Link)>) {
    let (mut warnings, mut later) = (Vec::new(), Vec::new());
    let places = if gone.is_empty() {
        HashMap::new()
    } else {
        places(site, symlinks)
    };
    for (path, mut link) in gone {
        match remove_one(site, &path, &link, &places) {
            Ok(Removal::Stays) => later.push((path.clone(), link)),
            Ok(Removal::Done) => {}
            Ok(Removal::PutBack(backup)) => warnings.push(format!(
                "{} was moved back to {}, because no secret has this path any more",
                shown(&backup),
                shown(&path)
            )),
            Ok(Removal::Forgotten(why)) => warnings.push(why.to_string()),
            Ok(Removal::SameAs(other)) => {
                if let Some(same) = made.links.get_mut(&other) {
                    same.backup = same.backup.or(link.backup);
                }
            }
            Err(_) if link.told => continue,
            Err(error) => {
                warnings.push(error.to_string());
                link.told = true;
                made.links.insert(path, link);
                continue;
            }
        }
        made.links.remove(&path);
    }
    (warnings, later)
}

/// The places of `symlinks` by directory. One place may have two paths, by a bind mount.
fn places(site: &Site, symlinks: &[Symlink<'_>]) -> HashMap<Step, PathBuf> {
    let place = |symlink: &Symlink<'_>| match recorded::find(site, &symlink.at, None) {
        Ok(Reached::Place(place)) => Some((Step::of(&fs::fstat(&place.dir).ok()?, &place.name), symlink.at.clone())),
        _ => None,
    };
    symlinks.iter().filter_map(place).collect()
}

/// Removes the symlink at `path`. `places` are those of the symlinks that stay.
fn remove_one(site: &Site, path: &Path, link: &Link, places: &HashMap<Step, PathBuf>) -> Result<Removal, InstallError> {
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
    let step = fs::fstat(&place.dir).map(|dir| Step::of(&dir, &place.name));
    if let Some(other) = step.ok().and_then(|step| places.get(&step)) {
        return Ok(Removal::SameAs(other.clone()));
    }
    Ok(match withdrawal::withdraw(site, &place, link)? {
        Withdrawn::Done => Removal::Done,
        Withdrawn::PutBack(backup) => Removal::PutBack(path.with_file_name(backup)),
        Withdrawn::Stays => Removal::Stays,
    })
}
