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
    noted::LinkPlaces,
    open_ledger,
    site::Site,
    unsynced::Unsynced,
    withdrawal::{Departure, Withdrawn},
};
use crate::{system::root::Root, text::printable::shown};

/// A declared path of a former secret or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerPlace {
    /// The path.
    pub path: PathBuf,
    /// Whether a copy was there, and no symlink.
    pub is_copy: bool,
}

impl FormerPlace {
    /// What messages call what was there.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        if self.is_copy { "copy" } else { "link" }
    }
}

/// What was removed, and what was not.
#[derive(Debug, Default)]
pub struct Removed {
    /// The symlinks and copies that are gone now.
    pub links: Vec<FormerPlace>,
    /// What stays, and why; and the files that were moved back.
    pub warnings: Vec<String>,
    /// Whether anything stays that could not be removed.
    pub stays: bool,
}

/// What of this installation may be former.
pub(crate) struct Former<'a> {
    pub(crate) site: &'a Site,
    /// The places of the symlinks and copies that this run has made, which are none of it.
    pub(crate) places: &'a LinkPlaces,
    /// Declared paths whose copies are former, because their secrets or templates are not installed. A symlink there leads to nothing, and stays.
    pub(crate) vacated: HashSet<PathBuf>,
    /// Whether only those copies are meant.
    pub(crate) only_vacated: bool,
}

/// Removes the symlinks and copies that are former, and the directories in which none lies any more. No lock is taken if there is nothing to
/// do.
pub(crate) fn remove(former: &Former<'_>) -> Removed {
    remove_if(former, || true)
}

/// Does what [`remove`] does after a run that has made symlinks and copies at `places`. Nothing is done if these are not known.
pub(crate) fn remove_after(site: &Site, places: Option<&LinkPlaces>, vacated: HashSet<PathBuf>) -> Removed {
    let only_vacated = false;
    places.map_or_else(Removed::default, |places| {
        remove(&Former {
            site,
            places,
            vacated,
            only_vacated,
        })
    })
}

/// Removes what was made for secrets and templates of this installation, if the manifest has none, and nothing was published. Another run
/// publishes before it notes its symlinks. So if nothing is published, and no run can note anything, all that the ledger has is former.
#[must_use]
pub fn tidy(site: &Site) -> Removed {
    let former = Former {
        site,
        places: &LinkPlaces::new(),
        vacated: HashSet::new(),
        only_vacated: false,
    };
    remove_if(&former, || has_nothing_published(site))
}

/// Whether nothing was published since the start of the system, not even a part of a generation: there is no mount point.
#[must_use]
pub fn has_nothing_published(site: &Site) -> bool {
    matches!(mount::open(site), Ok(None))
}

/// Does what [`remove`] does, if `may` says so once no other run can change the ledger.
fn remove_if(former: &Former<'_>, may: impl FnOnce() -> bool) -> Removed {
    let Some(path) = former.site.ledger.as_deref() else {
        return Removed::default();
    };
    attempt(former, path, may).unwrap_or_else(|error| Removed {
        warnings: vec![error.unremoved().to_string()],
        ..Removed::default()
    })
}

/// Does what [`remove_if`] does, with the ledger `path`.
fn attempt(former: &Former<'_>, path: &Path, may: impl FnOnce() -> bool) -> Result<Removed, InstallError> {
    let site = former.site;
    let Some(known) = open_ledger::look(&site.root, path)? else {
        return Ok(Removed::default());
    };
    if former.of(&known.made).is_empty() && known.made.needless_directories().is_empty() {
        return Ok(Removed::default());
    }
    let Some(mut ledger) = open_ledger::open(&site.root, path, site.homes, false)? else {
        return Ok(Removed::default());
    };
    if !may() {
        return Ok(Removed::default());
    }
    let places = former.of(&ledger.made);
    Ok(clear(&former.finder(), &mut ledger, former.places, &places))
}

/// The symlinks and copies that [`tidy`] would remove, for a dry run.
#[must_use]
pub fn preview(site: &Site) -> Vec<FormerPlace> {
    preview_with(site, HashSet::new())
}

/// The symlinks and copies that [`remove`] would remove, for a dry run. `vacated` are declared paths whose secrets are not installed.
pub(crate) fn preview_with(site: &Site, vacated: HashSet<PathBuf>) -> Vec<FormerPlace> {
    let ledger = site
        .ledger
        .as_deref()
        .and_then(|path| open_ledger::look(&site.root, path).ok().flatten());
    let Some(ledger) = ledger else { return Vec::new() };
    let former = Former {
        site,
        places: &LinkPlaces::new(),
        vacated,
        only_vacated: false,
    };
    let places = former.of(&ledger.made);
    if places.is_empty() {
        return Vec::new();
    }
    let finder = former.finder();
    let place = |at: PathBuf| {
        let link = ledger.made.links.get(&at).filter(|link| finder.is_there(&at, link))?;
        Some(FormerPlace {
            path: at,
            is_copy: link.is_copy,
        })
    };
    places.into_iter().filter_map(place).collect()
}

impl Former<'_> {
    /// The places of what is former. If a declared path leads to another place now, the symlink at the old place is none of it: the path may
    /// lead there again at any time, as where a link changes between two directories.
    fn of(&self, made: &Made) -> Vec<PathBuf> {
        let now: HashSet<_> = self.places.values().collect();
        let is_former = |at: &PathBuf, link: &MadeLink| {
            let is_vacated = link.is_copy && self.vacated.contains(&link.declared);
            let is_gone = !self.only_vacated && !self.site.declared.contains(&link.declared);
            link.installation == self.site.link && (is_vacated || is_gone) && !now.contains(at)
        };
        let former = made.links.iter().filter(|(at, link)| is_former(at, link));
        former.map(|(at, _)| at.clone()).collect()
    }

    /// A finder that touches nothing at the other declared paths.
    fn finder(&self) -> Finder<'_> {
        let declared = self.site.declared.iter().filter(|path| !self.vacated.contains(*path));
        Finder::new(&self.site.root, declared.map(PathBuf::as_path), Reach::Local)
    }
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
            // It waits for the run that installs what is declared there, or until that is declared no more.
            Ok(Some(taken)) if taken.now == Withdrawn::Declared => {
                ledger.made.links.insert(at.clone(), link);
                continue;
            }
            Ok(Some(taken)) => {
                removed.add(at, link.is_copy, taken);
                continue;
            }
            // The symlink was moved, with its directory.
            Ok(None) if places.contains_key(&link.declared) => continue,
            Ok(None) => InstallError::other_directory().unseen(link.noun(), at),
            Err(error) => error,
        };
        // The plaintext of a copy is still there, so that is said each time.
        removed.stay(&error, finder.reach == Reach::All || !link.is_told || link.is_copy);
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
    fn add(&mut self, at: &Path, is_copy: bool, Departure { now, unwiped }: Departure) {
        let is_gone = matches!(now, Withdrawn::Gone | Withdrawn::PutBack(_) | Withdrawn::Unknown(_));
        self.links.extend(is_gone.then(|| FormerPlace {
            path: at.to_owned(),
            is_copy,
        }));
        self.warnings
            .extend(unwiped.map(|why| InstallError::not_wiped(at, &why).to_string()));
        let warning = match now {
            Withdrawn::Gone | Withdrawn::NotThere | Withdrawn::Declared => return,
            Withdrawn::PutBack(backup) => {
                let backup = at.with_file_name(backup);
                format!("{} was moved back to {}: its secret is gone", shown(&backup), shown(at))
            }
            Withdrawn::Occupied(backup) => InstallError::not_put_back(at, &at.with_file_name(backup)).to_string(),
            Withdrawn::Changed => InstallError::changed_copy(at).to_string(),
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
