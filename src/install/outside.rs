//! What a run makes and removes outside the mount point, with the ledger told of it.
//!
//! The ledger has what a run is about to make before it is made. So if the run is killed in between, the ledger names more than there
//! is, and never less.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FileType, Stat},
    io::Errno,
};

use super::{
    entry::Entry,
    error::{InstallError, failed},
    files, former,
    grounds::Grounds,
    ledger::{self, Backup, Made},
    links::{self, Spread},
    plan::Wanted,
    site::Site,
};

/// Makes the symlinks outside the published tree, as [`links::spread`] does, and removes what is gone. The ledger has what this run
/// is about to make before it is made. `is_whole` says that the entries are all that the manifest declares: only then is anything
/// gone. What the ledger cannot be told is a warning, because the secrets must be there all the same.
pub(crate) fn spread(site: &Site, grounds: &Grounds, entries: &[Entry<'_>], wanted: &[Wanted<'_>], is_whole: bool) -> Spread {
    let spread_links = || links::spread(site, grounds, entries, wanted);
    let Some(path) = &site.ledger else {
        return spread_links();
    };
    let symlinks = outside(site, entries, wanted);
    let recorded = ledger::read(site, path).and_then(|recorded| Ok((intended(&recorded, &symlinks)?, recorded)));
    let (mut made, mut on_disk) = match recorded {
        Ok(recorded) => recorded,
        Err(error) => {
            let mut spread = spread_links();
            spread.warnings.push(error.to_string());
            return spread;
        }
    };
    // An error is ignored here: it counts only if the ledger cannot be written at the end of this run either.
    let _ = record(site, path, &made, &mut on_disk);
    let mut spread = spread_links();
    confirm(&mut made, &symlinks);
    if is_whole {
        let declared: Vec<_> = entries.iter().filter_map(|entry| entry.path.as_deref()).collect();
        spread.warnings.extend(former::remove_links(site, &mut made, &declared));
        spread.warnings.extend(former::remove_directories(site, &mut made));
    }
    let recorded = record(site, path, &made, &mut on_disk);
    spread
        .warnings
        .extend(recorded.err().map(|error| InstallError::unrecorded(&error).to_string()));
    spread
}

/// The symlinks outside the published tree that a run makes: where each is, and where it leads.
fn outside<'a>(site: &Site, entries: &[Entry<'_>], wanted: &[Wanted<'a>]) -> Vec<(&'a Path, PathBuf)> {
    let pairs = entries.iter().zip(wanted);
    pairs
        .filter_map(|(entry, wanted)| match wanted {
            Wanted::Outside(path) => Some((*path, site.link.join(entry.place()))),
            Wanted::Inside(_) | Wanted::Nothing => None,
        })
        .collect()
}

/// Writes `made` to the ledger at `path`, unless it is there already: `on_disk` is what is there.
fn record(site: &Site, path: &Path, made: &Made, on_disk: &mut Made) -> Result<(), InstallError> {
    if made != on_disk {
        ledger::write(site, path, made)?;
        on_disk.clone_from(made);
    }
    Ok(())
}

/// What there will be when `symlinks` are made: what is in the ledger, the symlinks, the directories that are still missing, and the
/// files that will be moved aside. Changes nothing.
fn intended(recorded: &Made, symlinks: &[(&Path, PathBuf)]) -> Result<Made, InstallError> {
    let mut made = recorded.clone();
    for (path, target) in symlinks {
        made.links.entry(path.to_path_buf()).or_default().insert(target.clone());
        for dir in path.ancestors().skip(1) {
            if status(dir)?.is_some() {
                break;
            }
            made.directories.insert(dir.to_owned(), 0);
        }
        if let Some(backup) = backup_of(path)? {
            made.backups.insert(path.to_path_buf(), backup);
        }
    }
    Ok(made)
}

/// Corrects in `made` what is known only after the symlinks were made: earlier targets of symlinks that lead to the new one now, and the
/// inode numbers of new directories. What cannot be examined stays as it is, so that a later run looks at it.
fn confirm(made: &mut Made, symlinks: &[(&Path, PathBuf)]) {
    for (path, target) in symlinks {
        if fs::readlink(*path, Vec::new()).is_ok_and(|found| found.as_bytes() == target.as_os_str().as_encoded_bytes()) {
            made.links.insert(path.to_path_buf(), BTreeSet::from([target.clone()]));
        }
    }
    for (dir, inode) in made.directories.iter_mut().filter(|(_, inode)| **inode == 0) {
        if let Ok(Some(there)) = status(dir)
            && files::kind(&there) == FileType::Directory
        {
            *inode = there.st_ino;
        }
    }
}

/// The file at `path` that will be moved aside for a symlink, with the name that it will get; `None` if nothing has to be moved.
fn backup_of(path: &Path) -> Result<Option<Backup>, InstallError> {
    let (Some(there), Some(name)) = (status(path)?.filter(links::is_moved_aside), path.file_name()) else {
        return Ok(None);
    };
    for name in links::backup_names(name) {
        let free = path.with_file_name(name);
        if status(&free)?.is_none() {
            return Ok(Some(Backup {
                path: free,
                inode: there.st_ino,
            }));
        }
    }
    Ok(None)
}

/// The status of what is at `path`; `None` if nothing is there. A symlink at the end of the path is not followed.
fn status(path: &Path) -> Result<Option<Stat>, InstallError> {
    match fs::lstat(path) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(InstallError::unrecorded(&failed("examine", path)(cause))),
    }
}
