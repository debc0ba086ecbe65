//! What a run makes and removes outside the mount point, with the ledger told of it.
//!
//! The ledger has what a run is about to make before it is made, and forgets nothing before it is gone. So if the run is killed in
//! between, the ledger names more than there is, and never less.
//!
//! The secrets are live before anything is removed, and no boot waits for a disk that only the ledger names: all this work has a
//! time limit. At the first publication of a boot, what is on another file system than `/` is left to a later run.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    emptied,
    entry::Entry,
    error::InstallError,
    former,
    intent::{self, Intended},
    ledger::{self, Recorded},
    links::Spread,
    made::{Link, Made},
    plan::Wanted,
    site::Site,
    step::Step,
    symlinks::{Symlink, symlinks, without_symlink},
};
use crate::{
    system::{budget, patience::Patience},
    text::{printable::shown, shell},
};

/// Limit: reading and writing the ledger before anything is made takes at most this time.
const OPENING: Duration = Duration::from_secs(4);
/// Limit: one symlink or directory is removed within this time.
const REMOVAL: Duration = Duration::from_secs(1);
/// The time that is kept for writing the ledger at the end.
const CLOSING: Duration = Duration::from_secs(3);

/// What a run removes of former secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removing {
    /// Nothing: not all entries of the manifest are known.
    Nothing,
    /// What is on the file system of `/`. A boot waits for no other disk.
    AtBoot,
    /// Everything.
    Everything,
}

/// The ledger of an installation while a run changes it.
pub(crate) struct Book {
    site: Arc<Site>,
    /// The path of the ledger.
    path: PathBuf,
    /// What the run makes now.
    symlinks: Vec<Symlink>,
    /// The declared paths at which the run makes no symlink.
    without_symlink: BTreeSet<PathBuf>,
    patience: Patience,
    /// What there is; `None` if the ledger cannot be used.
    pages: Option<Pages>,
    warnings: Vec<String>,
}

/// What the ledger has, and will have.
struct Pages {
    /// What there is outside the mount point, or will be at the end of the run.
    made: Made,
    /// What the file has; `None` if that is for another installation.
    on_disk: Option<Made>,
    /// What the run is about to make.
    intended: Intended,
    /// The link of the installation that has written the file, if it is another one.
    other_link: Option<PathBuf>,
}

impl Book {
    /// Opens the ledger, and tells it what a run is about to make. `None` if this installation has no ledger. If the ledger cannot be
    /// used, the run goes on without it: the secrets must be there all the same.
    pub(crate) fn open(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Option<Self> {
        let path = site.ledger.clone()?;
        let symlinks = symlinks(site, entries, wanted);
        let mut patience = Patience::of(budget::LEDGER);
        let site = Arc::new(site.clone());
        let work = {
            let (site, path, symlinks) = (Arc::clone(&site), path.clone(), symlinks.clone());
            move || Pages::begin(&site, &path, &symlinks)
        };
        let late = || {
            Err(InstallError::unread_ledger(&InstallError::late_failed(
                "use the ledger",
                &path,
            )))
        };
        let (pages, warnings) = match patience.wait_for(OPENING, work).unwrap_or_else(late) {
            Ok(pages) => (Some(pages), Vec::new()),
            Err(error) => (None, vec![error.to_string()]),
        };
        Some(Self {
            site,
            path,
            symlinks,
            without_symlink: without_symlink(entries, wanted),
            patience,
            pages,
            warnings,
        })
    }

    /// Tells the ledger what the run has made, and removes what belongs to former secrets. Returns warnings.
    pub(crate) fn close(mut self, spread: &Spread, removing: Removing) -> Vec<String> {
        let Some(mut pages) = self.pages.take() else {
            return self.warnings;
        };
        intent::confirm(&self.site, &mut pages.made, &pages.intended.directories, spread);
        if removing != Removing::Nothing {
            self.remove_links(&mut pages.made, removing);
            self.remove_directories(&mut pages.made, removing);
        }
        let other = pages.other_link.as_ref();
        let other = other.map(|link| InstallError::ledger_of(&self.path, link));
        let errors = pages.intended.unexamined.drain(..).chain(other).collect::<Vec<_>>();
        let unrecorded = self.write(pages).err();
        let unrecorded = unrecorded.map(|error| InstallError::unrecorded(&error));
        self.warnings
            .extend(errors.iter().chain(&unrecorded).map(ToString::to_string));
        self.warnings
    }

    /// Writes the ledger, unless the file has the same already.
    fn write(&mut self, pages: Pages) -> Result<(), InstallError> {
        let Pages { made, on_disk, .. } = pages;
        if on_disk.as_ref() == Some(&made) {
            return Ok(());
        }
        let (site, path) = (Arc::clone(&self.site), self.path.clone());
        let work = move || ledger::write(&site, &path, &made);
        let late = || Err(InstallError::late_failed("write", &self.path));
        self.patience.wait_for(CLOSING, work).unwrap_or_else(late)
    }

    /// Removes the symlinks of secrets that are gone. A symlink that cannot be removed stays in `made` for the next run. A warning says
    /// so once.
    fn remove_links(&mut self, made: &mut Made, removing: Removing) {
        let gone = former::gone(made, &self.symlinks, &self.without_symlink);
        let gone = gone.into_iter().filter(|(_, link)| removing.reaches(link.mounted.as_deref()));
        let places = self.symlinks.iter().map(|symlink| (symlink.end.clone(), symlink.clone()));
        let places: Arc<HashMap<Step, Symlink>> = Arc::new(places.collect());
        for (path, link) in gone {
            let work = {
                let (site, path, link, places) = (Arc::clone(&self.site), path.clone(), link.clone(), Arc::clone(&places));
                move || former::remove(&site, &path, &link, &places)
            };
            let Some(most) = self.time_to_remove() else { break };
            let late = || {
                let error = InstallError::late_failed("remove the link", &path);
                Err(InstallError::left(&error, &path, &format!("rm {}", shell::path(&path))))
            };
            let removal = self.patience.wait_for(most, work).unwrap_or_else(late);
            let warning = removed(made, &path, link, removal);
            self.warnings.extend(warning);
        }
    }

    /// Removes the directories that were made for symlinks which are all gone.
    fn remove_directories(&mut self, made: &mut Made, removing: Removing) {
        for (path, directory, is_needed) in emptied::candidates(made) {
            if !removing.reaches(directory.mounted.as_deref()) {
                continue;
            }
            let Some(most) = self.time_to_remove() else { break };
            let was_told = directory.told;
            let work = {
                let (site, path) = (Arc::clone(&self.site), path.clone());
                move || emptied::remove(&site, &path, &directory, is_needed)
            };
            let late = || Err(InstallError::late_failed("remove the directory", &path));
            match self.patience.wait_for(most, work).unwrap_or_else(late) {
                Ok(emptied::DirectoryRemoval::Done) => drop(made.directories.remove(&path)),
                Ok(emptied::DirectoryRemoval::Stays(mark)) => {
                    made.directories.entry(path).and_modify(|directory| directory.mark = mark);
                }
                Err(_) if was_told => {}
                Err(error) => {
                    let command = format!("rmdir {}", shell::path(&path));
                    self.warnings.push(InstallError::left(&error, &path, &command).to_string());
                    made.directories.entry(path).and_modify(|directory| directory.told = true);
                }
            }
        }
    }

    /// How long the next removal may take; `None` if there is no time for it.
    fn time_to_remove(&self) -> Option<Duration> {
        let most = REMOVAL.min(self.patience.left().saturating_sub(CLOSING));
        (!most.is_zero()).then_some(most)
    }
}

impl Pages {
    /// Reads the ledger at `path`, and tells it of the symlinks that are about to be made.
    fn begin(site: &Site, path: &Path, symlinks: &[Symlink]) -> Result<Self, InstallError> {
        let Recorded { mut made, other_link } = ledger::read(site, path)?;
        let mut on_disk = other_link.is_none().then(|| made.clone());
        let intended = intent::intend(site, &mut made, symlinks);
        // An error is ignored here: it counts only if the ledger cannot be written at the end of this run either.
        if on_disk.as_ref() != Some(&made) && ledger::write(site, path, &made).is_ok() {
            on_disk = Some(made.clone());
        }
        Ok(Self {
            made,
            on_disk,
            intended,
            other_link,
        })
    }
}

impl Removing {
    /// Whether something on the file system that is mounted at `mounted` is removed.
    fn reaches(self, mounted: Option<&Path>) -> bool {
        match self {
            Self::Nothing => false,
            Self::AtBoot => mounted.is_none(),
            Self::Everything => true,
        }
    }
}

/// Notes in `made` what became of the symlink at `path`. Returns a warning about it.
fn removed(made: &mut Made, path: &Path, mut link: Link, removal: Result<former::Removal, InstallError>) -> Option<String> {
    use former::Removal::{Done, Forgotten, Is, Occupied, PutBack, Stays};
    let warning = match removal {
        Ok(Stays) => return None,
        Err(_) if link.told => return None,
        Err(error) => {
            link.told = true;
            made.links.insert(path.to_owned(), link);
            return Some(error.to_string());
        }
        Ok(Done) => None,
        Ok(PutBack(backup)) => Some(format!(
            "{} was moved back to {}, because no secret has this path any more",
            shown(&backup),
            shown(path)
        )),
        Ok(Occupied(backup)) => Some(format!(
            "{} stays, although no secret has the path {} any more: something else is there",
            shown(&backup),
            shown(path)
        )),
        Ok(Forgotten(why)) => Some(why.to_string()),
        Ok(Is(other)) => {
            let same = made.links.entry(other.at).or_insert_with(|| Link {
                declared: other.declared,
                ..link.clone()
            });
            same.backup = same.backup.take().or(link.backup);
            None
        }
    };
    made.links.remove(path);
    warning
}

/// What the next publication of these entries would remove: the paths of the symlinks that are gone. Changes nothing.
pub(crate) fn gone(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Result<Vec<PathBuf>, InstallError> {
    let Some(path) = site.ledger.clone() else {
        return Ok(Vec::new());
    };
    let late = || {
        Err(InstallError::unread_ledger(&InstallError::late_failed(
            "use the ledger",
            &path,
        )))
    };
    let work = {
        let (site, path, symlinks) = (site.clone(), path.clone(), symlinks(site, entries, wanted));
        let without_symlink = without_symlink(entries, wanted);
        move || {
            let made = ledger::read(&site, &path)?.made;
            let gone = former::gone(&made, &symlinks, &without_symlink).into_iter();
            let gone = gone.filter(|(path, link)| former::is_there(&site, path, link));
            Ok(gone.map(|(path, _)| path).collect())
        }
    };
    Patience::of(budget::LEDGER).wait_for(OPENING, work).unwrap_or_else(late)
}
