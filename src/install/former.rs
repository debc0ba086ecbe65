//! Removes what was made outside the mount point for secrets that the manifest does not have any more.

use std::path::{Path, PathBuf};

use rustix::fs;

use super::{
    destination::Destination,
    error::{InstallError, failed},
    ledger::Ledger,
    made::{Made, MadeDirectory, MadeLink},
    noted::{self, Places},
    site::Site,
    withdrawal::{self, Withdrawn},
};
use crate::{
    system::{
        mounts::{Mount, Mounts},
        root::Root,
    },
    text::printable::shown,
};

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

/// How far a look at what was made may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only file systems that answer without a server: a run must not wait for one that no secret needs any more.
    Local,
    /// All file systems: whoever has typed the command can end it.
    All,
}

/// Removes the symlinks of this installation that the manifest does not declare any more, and the directories in which no symlink lies
/// any more. `places` are the places of the symlinks that this run has made. Nothing is done, and no lock is taken, if there are none.
pub(crate) fn remove(site: &Site, places: &Places) -> Removed {
    let Some(path) = site.ledger.as_deref() else {
        return Removed::default();
    };
    attempt(site, path, places).unwrap_or_else(|error| Removed {
        warnings: vec![error.unremoved().to_string()],
        ..Removed::default()
    })
}

/// Does what [`remove`] does, with the ledger `path`.
fn attempt(site: &Site, path: &Path, places: &Places) -> Result<Removed, InstallError> {
    let Some(known) = noted::look(&site.root, path)? else {
        return Ok(Removed::default());
    };
    if former(&known.made, site, places).is_empty() && known.made.needless_directories().is_empty() {
        return Ok(Removed::default());
    }
    let Some(mut ledger) = noted::open(&site.root, path, site.homes, false)? else {
        return Ok(Removed::default());
    };
    let former = former(&ledger.made, site, places);
    Ok(clear(&site.root, &mut ledger, places, &former, Reach::Local))
}

/// Removes what was made for secrets and templates of this installation, if the manifest has none, and no generation is live.
#[must_use]
pub fn tidy(site: &Site) -> Removed {
    remove(site, &Places::new())
}

/// The symlinks that [`remove`] would try to remove, for a dry run. Looks at the ledger alone.
#[must_use]
pub fn preview(site: &Site) -> Vec<PathBuf> {
    let ledger = site
        .ledger
        .as_deref()
        .and_then(|path| noted::look(&site.root, path).ok().flatten());
    ledger.map_or_else(Vec::new, |ledger| former(&ledger.made, site, &Places::new()))
}

/// The symlinks of this installation that no secret or template has any more. If a declared path leads to another place now, the
/// symlink at the old place is one of them.
fn former(made: &Made, site: &Site, places: &Places) -> Vec<PathBuf> {
    let is_former = |at: &Path, link: &MadeLink| {
        link.installation == site.link
            && (places.contains_key(&link.declared) || !site.declared.contains(&link.declared))
            && places.get(&link.declared).is_none_or(|place| place != at)
            && !places.values().any(|place| place == at)
    };
    let former = made.links.iter().filter(|(at, link)| is_former(at, link));
    former.map(|(at, _)| at.clone()).collect()
}

/// Removes the symlinks at the places `former`, and then the directories in which no symlink lies any more.
pub(crate) fn clear(root: &Root, ledger: &mut Ledger, places: &Places, former: &[PathBuf], reach: Reach) -> Removed {
    let mut removed = Removed::default();
    let finder = Finder {
        root,
        mounts: Mounts::now(root),
        reach,
    };
    for at in former {
        let Some(mut link) = ledger.made.links.remove(at) else {
            continue;
        };
        match finder.withdraw(at, &link) {
            Ok(withdrawn) => removed.add(at, withdrawn),
            // The symlink was moved, with its directory.
            Err(_) if places.contains_key(&link.declared) => {}
            Err(error) => {
                if !link.is_told || reach == Reach::All {
                    removed.warnings.push(error.to_string());
                }
                removed.stays = true;
                link.is_told = true;
                ledger.made.links.insert(at.clone(), link);
            }
        }
    }
    for at in ledger.made.needless_directories() {
        let Some(directory) = ledger.made.directories.remove(&at) else {
            continue;
        };
        if let Err(error) = finder.remove_directory(&at, &directory) {
            removed.warnings.push(error.left_directory(&at).to_string());
            removed.stays = true;
        }
    }
    ledger.save();
    let trouble = ledger.trouble.take();
    removed.warnings.extend(trouble.map(|error| error.to_string()));
    removed
}

impl Removed {
    fn add(&mut self, at: &Path, withdrawn: Withdrawn) {
        match withdrawn {
            Withdrawn::Gone => self.links.push(at.to_owned()),
            Withdrawn::NotThere => {}
            Withdrawn::PutBack(backup) => {
                self.links.push(at.to_owned());
                let backup = at.with_file_name(backup);
                let warning = format!("{} was moved back to {}: its secret is gone", shown(&backup), shown(at));
                self.warnings.push(warning);
            }
            Withdrawn::Occupied(backup) => {
                let error = InstallError::not_put_back(at, &at.with_file_name(backup));
                self.warnings.push(error.to_string());
            }
        }
    }
}

/// Finds again what was made.
struct Finder<'a> {
    root: &'a Root,
    mounts: Mounts,
    reach: Reach,
}

impl Finder<'_> {
    /// Takes the symlink `link` away from `at`.
    fn withdraw(&self, at: &Path, link: &MadeLink) -> Result<Withdrawn, InstallError> {
        let place = self.find(at).map_err(|error| error.unseen(at))?;
        let is_known = |place: &Destination| fs::fstat(&place.dir).is_ok_and(|dir| dir.st_ino == link.directory);
        let Some(place) = place.filter(is_known) else {
            if link.is_in_memory {
                return Ok(Withdrawn::NotThere);
            }
            return Err(InstallError::other_directory().unseen(at));
        };
        withdrawal::take(&place, link).map_err(|cause| failed("remove", at)(cause).left(at))
    }

    /// Removes the directory `made` at `at`, if nothing is in it.
    fn remove_directory(&self, at: &Path, made: &MadeDirectory) -> Result<(), InstallError> {
        let Some(place) = self.find(at)? else { return Ok(()) };
        withdrawal::remove_directory(&place, made).map_err(failed("remove", at))
    }

    /// The place `at`, if its file system may be looked at. `None` if its directory is missing.
    fn find(&self, at: &Path) -> Result<Option<Destination>, InstallError> {
        let mount = self.mounts.of(at);
        if self.reach == Reach::Local && !mount.is_some_and(Mount::is_local) {
            return Err(InstallError::not_local(mount));
        }
        Destination::without_symlinks(self.root, at).map_err(failed("reach", at))
    }
}
