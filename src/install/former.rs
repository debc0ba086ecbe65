//! Removes what was made outside the mount point for secrets that the manifest does not have any more.

use std::{
    collections::HashSet,
    iter,
    path::{Path, PathBuf},
};

use super::{
    error::InstallError,
    finder::{Finder, Reach},
    ledger::Ledger,
    made::{Made, MadeLink},
    mount,
    noted::{self, LinkPlaces},
    site::Site,
    unsynced::Unsynced,
    withdrawal::Withdrawn,
};
use crate::{system::root::Root, text::printable::shown};

/// What was removed, and what was not.
#[derive(Debug, Default)]
pub struct Removed {
    /// The paths of the symlinks that are gone now.
    pub links: Vec<PathBuf>,
    /// What stays, and why; and the files that were moved back.
    pub warnings: Vec<String>,
    /// Whether anything stays that could not be removed.
    pub stays: bool,
}

/// Removes the symlinks of this installation that the manifest does not declare any more, and the directories in which no symlink lies
/// any more. `places` are the places of the symlinks that this run has made. Nothing is done if they are not known, and no lock is taken
/// if there is nothing to do.
pub(crate) fn remove(site: &Site, places: Option<&LinkPlaces>) -> Removed {
    places.map_or_else(Removed::default, |places| remove_if(site, places, || true))
}

/// Removes what was made for secrets and templates of this installation, if the manifest has none, and nothing was published. Another run
/// publishes before it notes its symlinks. So if nothing is published, and no run can note anything, all that the ledger has is former.
#[must_use]
pub fn tidy(site: &Site) -> Removed {
    remove_if(site, &LinkPlaces::new(), || has_nothing_published(site))
}

/// Whether nothing was published since the start of the system, not even a part of a generation: there is no mount point.
#[must_use]
pub fn has_nothing_published(site: &Site) -> bool {
    matches!(mount::open(site), Ok(None))
}

/// Does what [`remove`] does, if `may` says so once no other run can change the ledger.
fn remove_if(site: &Site, places: &LinkPlaces, may: impl FnOnce() -> bool) -> Removed {
    let Some(path) = site.ledger.as_deref() else {
        return Removed::default();
    };
    attempt(site, path, places, may).unwrap_or_else(|error| Removed {
        warnings: vec![error.unremoved().to_string()],
        ..Removed::default()
    })
}

/// Does what [`remove_if`] does, with the ledger `path`.
fn attempt(site: &Site, path: &Path, places: &LinkPlaces, may: impl FnOnce() -> bool) -> Result<Removed, InstallError> {
    let Some(known) = noted::look(&site.root, path)? else {
        return Ok(Removed::default());
    };
    if former(&known.made, site, places).is_empty() && known.made.needless_directories().is_empty() {
        return Ok(Removed::default());
    }
    let Some(mut ledger) = noted::open(&site.root, path, site.homes, false)? else {
        return Ok(Removed::default());
    };
    if !may() {
        return Ok(Removed::default());
    }
    let former = former(&ledger.made, site, places);
    let finder = Finder::new(&site.root, site.declared.iter().map(PathBuf::as_path), Reach::Local);
    Ok(clear(&finder, &mut ledger, places, &former))
}

/// The symlinks that [`remove`] would remove, for a dry run.
#[must_use]
pub fn preview(site: &Site) -> Vec<PathBuf> {
    let ledger = site
        .ledger
        .as_deref()
        .and_then(|path| noted::look(&site.root, path).ok().flatten());
    let Some(ledger) = ledger else { return Vec::new() };
    let former = former(&ledger.made, site, &LinkPlaces::new());
    let finder = Finder::new(&site.root, site.declared.iter().map(PathBuf::as_path), Reach::Local);
    let is_there = |at: &PathBuf| {
        let link = ledger.made.links.get(at);
        link.is_some_and(|link| finder.is_there(at, link))
    };
    former.into_iter().filter(is_there).collect()
}

/// The symlinks of this installation whose paths no secret or template has any more. If a declared path leads to another place now, the
/// symlink at the old place is none of them: the path may lead there again at any time, as where a link changes between two directories.
fn former(made: &Made, site: &Site, places: &LinkPlaces) -> Vec<PathBuf> {
    let now: HashSet<_> = places.values().collect();
    let is_former = |at: &PathBuf, link: &MadeLink| {
        link.installation == site.link && !site.declared.contains(&link.declared) && !now.contains(at)
    };
    let former = made.links.iter().filter(|(at, link)| is_former(at, link));
    former.map(|(at, _)| at.clone()).collect()
}

/// Removes all symlinks that the ledger has, and the directories that were made for them.
pub(crate) fn clear_all(root: &Root, ledger: &mut Ledger) -> Removed {
    let all: Vec<_> = ledger.made.links.keys().cloned().collect();
    let finder = Finder::new(root, iter::empty(), Reach::All);
    clear(&finder, ledger, &LinkPlaces::new(), &all)
}

/// Removes the symlinks at the places `former`, and then the directories in which no symlink lies any more.
fn clear(finder: &Finder<'_>, ledger: &mut Ledger, places: &LinkPlaces, former: &[PathBuf]) -> Removed {
    let mut removed = Removed::default();
    let mut unsynced = Unsynced::default();
    for at in former {
        let Some(mut link) = ledger.made.links.remove(at) else {
            continue;
        };
        let error = match finder.withdraw(at, &link, &mut unsynced) {
            Ok(Some(withdrawn)) => {
                removed.add(at, withdrawn);
                continue;
            }
            // The symlink was moved, with its directory.
            Ok(None) if places.contains_key(&link.declared) => continue,
            Ok(None) => InstallError::other_directory().unseen(at),
            Err(error) => error,
        };
        removed.stay(&error, finder.reach == Reach::All || !link.is_told);
        link.is_told = true;
        ledger.made.links.insert(at.clone(), link);
    }
    // What is removed must be on the disk before it leaves the ledger.
    unsynced.sync(ledger.path());
    for at in ledger.made.needless_directories() {
        let Some(mut directory) = ledger.made.directories.remove(&at) else {
            continue;
        };
        if let Err(error) = finder.remove_directory(&at, &directory, &mut unsynced) {
            removed.stay(&error.left_directory(&at), finder.reach == Reach::All || !directory.is_told);
            directory.is_told = true;
            ledger.made.directories.insert(at, directory);
        }
    }
    match unsynced.finish(ledger.path()) {
        Ok(()) => ledger.save(),
        Err(error) => ledger.trouble = Some(error),
    }
    let trouble = ledger.trouble.take();
    removed.warnings.extend(trouble.map(|error| error.to_string()));
    removed
}

impl Removed {
    /// Adds what was done at `at`.
    fn add(&mut self, at: &Path, withdrawn: Withdrawn) {
        let is_gone = !matches!(withdrawn, Withdrawn::NotThere | Withdrawn::Occupied(_));
        self.links.extend(is_gone.then(|| at.to_owned()));
        let warning = match withdrawn {
            Withdrawn::Gone | Withdrawn::NotThere => return,
            Withdrawn::PutBack(backup) => {
                let backup = at.with_file_name(backup);
                format!("{} was moved back to {}: its secret is gone", shown(&backup), shown(at))
            }
            Withdrawn::Occupied(backup) => InstallError::not_put_back(at, &at.with_file_name(backup)).to_string(),
            Withdrawn::Unknown(backup) => InstallError::unknown_backup(at, &at.with_file_name(backup)).to_string(),
        };
        self.warnings.push(warning);
    }

    /// Adds that something stays because of `error`.
    fn stay(&mut self, error: &InstallError, is_to_be_told: bool) {
        self.warnings.extend(is_to_be_told.then(|| error.to_string()));
        self.stays = true;
    }
}
