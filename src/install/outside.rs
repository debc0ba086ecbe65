//! What a run makes and removes outside the mount point, with the ledger told of it.
//!
//! The ledger has what a run is about to make before it is made. So if the run is killed in between, the ledger names more than there
//! is, and never less.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType},
    io::Errno,
};

use super::{
    emptied,
    entry::Entry,
    error::InstallError,
    files::{self, NEW, suffixed},
    former,
    grounds::Grounds,
    ledger::{self, Directory, Link, Made, Recorded},
    links::{self, Spread},
    mark::FileMark,
    plan::Wanted,
    recorded::{self, Reached},
    site::Site,
    symlinks::{Symlink, named, symlinks, without_symlink},
};

/// Limit: a directory that was made more than 600 seconds before or after the ledger was written is none that a killed run has made.
const LONGEST_RUN: u64 = 600;

/// Makes the symlinks outside the published tree, as [`links::spread`] does, and removes what is gone. The ledger has what this run
/// is about to make before it is made. `is_whole` says that the entries are all that the manifest declares: only then is anything
/// gone. What the ledger cannot be told is a warning, because the secrets must be there all the same.
pub(crate) fn spread(site: &Site, grounds: &Grounds, entries: &[Entry<'_>], wanted: &[Wanted<'_>], is_whole: bool) -> Spread {
    let spread_links = || links::spread(site, grounds, entries, wanted);
    let Some(path) = &site.ledger else {
        return spread_links();
    };
    let mut book = match Book::open(site, path) {
        Ok(book) => book,
        Err(error) => {
            let mut spread = spread_links();
            spread.warnings.push(error.to_string());
            return spread;
        }
    };
    let symlinks = symlinks(site, entries, wanted);
    let unexamined = intend(site, &mut book.made, &symlinks);
    // An error is ignored here: it counts only if the ledger cannot be written at the end of this run either.
    let _ = book.write();
    let mut spread = spread_links();
    confirm(site, &mut book.made, &symlinks, &spread);
    if is_whole {
        let gone = former::gone(&book.made, &symlinks, &without_symlink(entries, wanted));
        let (warnings, later) = former::remove_links(site, &mut book.made, &symlinks, gone);
        spread.warnings.extend(warnings);
        spread.warnings.extend(emptied::remove(site, &mut book.made));
        book.made.links.extend(later);
    }
    let unrecorded = book.write().err().map(|error| InstallError::unrecorded(&error));
    let errors = unexamined.into_iter().chain(book.other()).chain(unrecorded);
    spread.warnings.extend(errors.map(|error| error.to_string()));
    spread
}

/// The ledger of an installation while a run changes it.
struct Book<'a> {
    site: &'a Site,
    /// The path of the ledger.
    path: &'a Path,
    /// What there is outside the mount point, or will be at the end of the run.
    made: Made,
    /// What the file has; `None` if that is for another installation.
    on_disk: Option<Made>,
    /// The link of the installation that has written the file, if it is another one.
    other_link: Option<PathBuf>,
}

impl<'a> Book<'a> {
    /// Reads the ledger at `path`, and looks for what a killed run has made.
    fn open(site: &'a Site, path: &'a Path) -> Result<Self, InstallError> {
        let Recorded {
            made,
            written,
            other_link,
        } = ledger::read(site, path)?;
        let mut book = Self {
            site,
            path,
            on_disk: other_link.is_none().then(|| made.clone()),
            made,
            other_link,
        };
        adopt(site, &mut book.made, written);
        Ok(book)
    }

    /// Writes the ledger, unless the file has the same already.
    fn write(&mut self) -> Result<(), InstallError> {
        if self.on_disk.as_ref() != Some(&self.made) {
            ledger::write(self.site, self.path, &self.made)?;
            self.on_disk = Some(self.made.clone());
        }
        Ok(())
    }

    /// The warning about a ledger that was that of another installation.
    fn other(&self) -> Option<InstallError> {
        let link = self.other_link.as_ref()?;
        Some(InstallError::ledger_of(self.path, link))
    }
}

/// What the next publication of these entries would remove: the paths of the symlinks that are gone. Changes nothing.
pub(crate) fn gone(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Result<Vec<PathBuf>, InstallError> {
    let Some(path) = &site.ledger else {
        return Ok(Vec::new());
    };
    let made = ledger::read(site, path)?.made;
    let gone = former::gone(&made, &symlinks(site, entries, wanted), &without_symlink(entries, wanted));
    let is_there = |path: &Path, link: &Link| {
        fs::readlink(path, Vec::new()).is_ok_and(|target| link.targets.contains(Path::new(OsStr::from_bytes(target.as_bytes()))))
    };
    Ok(gone
        .into_iter()
        .filter(|(path, link)| is_there(path, link))
        .map(|(path, _)| path)
        .collect())
}

/// Finds the directories that a killed run has made. The ledger has them without marks. Such a run ends soon after it has written the
/// ledger, so a directory that was made much later is not from it. `written` is the time of the ledger.
fn adopt(site: &Site, made: &mut Made, written: i64) {
    for (path, directory) in made.directories.iter_mut().filter(|(_, directory)| directory.mark.is_none()) {
        let is_of_the_run = |mark: &FileMark| mark.born.is_none_or(|(seconds, _)| seconds.abs_diff(written) <= LONGEST_RUN);
        if let Ok(Reached::Place(place)) = recorded::find(site, path, directory.mounted.as_deref())
            && let Ok(Some(mark)) = FileMark::at(&place.dir, place.name.as_os_str())
        {
            directory.mark = Some(mark).filter(|mark| mark.kind() == FileType::Directory && is_of_the_run(mark));
        }
    }
}

/// Adds to `made` what there will be when `symlinks` are made: the symlinks, the directories that are still missing, and the files that
/// will be moved aside. Changes nothing on disk. What cannot be examined is left out, and the result says so.
fn intend(site: &Site, made: &mut Made, symlinks: &[Symlink<'_>]) -> Vec<InstallError> {
    let mut unexamined = Vec::new();
    for symlink in symlinks {
        let link = made.links.entry(symlink.at.clone()).or_insert_with(|| Link {
            declared: symlink.declared.to_owned(),
            targets: BTreeSet::new(),
            backup: None,
            mounted: recorded::mounted(site, &symlink.at),
            told: false,
        });
        symlink.declared.clone_into(&mut link.declared);
        link.targets.insert(symlink.target.clone());
        link.told = false;
        match FileMark::at(fs::CWD, &symlink.at) {
            // A symlink is replaced, and a directory is an obstacle. Anything else is moved aside.
            Ok(Some(mark)) if !matches!(mark.kind(), FileType::Symlink | FileType::Directory) => link.backup = Some(mark),
            Ok(_) => {}
            Err(cause) => unexamined.push(InstallError::unexamined(&symlink.at, cause)),
        }
        let missing = symlink.at.ancestors().skip(1).take_while(|dir| is_missing(dir));
        made.directories.extend(missing.map(|dir| {
            let mounted = recorded::mounted(site, dir);
            let directory = Directory {
                mark: None,
                mounted,
                told: false,
            };
            (dir.to_owned(), directory)
        }));
    }
    unexamined
}

/// Whether nothing is at `path`.
fn is_missing(path: &Path) -> bool {
    matches!(fs::lstat(path), Err(Errno::NOENT))
}

/// Corrects in `made` what is known only after the symlinks were made: earlier targets of symlinks that lead to the new one now, and the
/// marks of new directories. Directories that were not made leave the ledger.
fn confirm(site: &Site, made: &mut Made, symlinks: &[Symlink<'_>], spread: &Spread) {
    let places: BTreeMap<_, _> = spread.placed.iter().map(|(declared, at)| (declared.as_path(), at)).collect();
    for symlink in symlinks {
        let Some(at) = places.get(symlink.declared) else { continue };
        // The way may have changed since the plan was made.
        let Some(mut link) = made.links.remove(&symlink.at) else {
            continue;
        };
        link.targets = BTreeSet::from([symlink.target.clone()]);
        made.links.insert(named(at, symlink.declared), link);
    }
    for (path, mark) in &spread.directories {
        if path.to_str().is_some() {
            let mounted = recorded::mounted(site, path);
            let told = false;
            made.directories.insert(
                path.clone(),
                Directory {
                    mark: *mark,
                    mounted,
                    told,
                },
            );
        }
    }
    let unknown: BTreeSet<_> = spread.directories.iter().map(|(path, _)| path).collect();
    made.directories
        .retain(|path, directory| directory.mark.is_some() || unknown.contains(path) || !is_clear(site, path, directory));
}

/// Whether no directory is left that a killed run has made under a temporary name for the directory `path`, which is not there.
fn is_clear(site: &Site, path: &Path, directory: &Directory) -> bool {
    match recorded::find(site, path, directory.mounted.as_deref()) {
        Ok(Reached::Place(place)) => {
            let new = suffixed(&place.name, NEW);
            let is_there = !matches!(files::status(&place.dir, new.as_os_str()), Ok(None));
            !is_there
                || matches!(
                    fs::unlinkat(&place.dir, &new, AtFlags::REMOVEDIR),
                    Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY | Errno::EXIST)
                )
        }
        Ok(Reached::Nothing | Reached::Replaced(_)) => true,
        Ok(Reached::Unmounted) | Err(_) => false,
    }
}
