//! Takes a symlink of ours away from its place, and puts the file that was moved aside for it in its place again.
//!
//! Between a look at a name and its removal, somebody may give the name to another file. So the symlink is renamed first, to a name that
//! only this program uses, and looked at there.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, RenameFlags},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, NEW, suffixed},
    ledger::{self, Link, Links},
    links,
    mark::FileMark,
    site::Site,
};
use crate::text::shell;

/// What is at the place of a symlink now.
pub(crate) enum Withdrawn {
    /// No symlink of ours.
    Done,
    /// The file that had been moved aside for the symlink, under this name.
    PutBack(OsString),
    /// Something that may still become ours to remove, so the ledger has to keep the symlink.
    Stays,
}

/// Takes the symlink `link` away from `place`, if it is ours. The file that was moved aside for it takes its place in one step, so
/// nobody finds the place empty.
pub(crate) fn withdraw(site: &Site, place: &Destination, link: &Link) -> Result<Withdrawn, InstallError> {
    let path = &place.path;
    let own = own_files(place, link).map_err(failed("examine what is beside", path));
    let own = own.map_err(|error| InstallError::left(&error, path, &format!("rm {}", shell::path(path))))?;
    // If a run was killed before it moved the file aside, the file has the temporary name.
    let is_backup = |mark: &FileMark| link.backup.is_some_and(|backup| mark.is_same_file(&backup));
    let backup = own.iter().find(|(_, mark)| is_backup(mark)).map(|(name, _)| name.clone());
    let command = match &backup {
        Some(name) => format!("mv {} {}", shell::path(&path.with_file_name(name)), shell::path(path)),
        None => format!("rm {}", shell::path(path)),
    };
    let left = |cause| InstallError::left(&failed("remove the link", path)(cause), path, &command);
    // A killed run may have left its symlink under one of these names.
    let mut is_changed = false;
    for (name, _) in own {
        if is_ours(place, &name, link).map_err(left)? {
            unlink(place, &name).map_err(left)?;
            is_changed = true;
        }
    }
    let withdrawn = if is_ours(place, &place.name, link).map_err(left)? {
        match backup {
            Some(backup) => put_back(place, backup, link).map_err(left)?,
            None => take_away(place, link).map_err(left)?,
        }
    } else if let Some(backup) = backup {
        fill(site, place, backup).map_err(left)?
    } else if is_changed {
        Withdrawn::Done
    } else {
        return Ok(Withdrawn::Done);
    };
    // Without this, a power cut could bring the symlink back, and the ledger would not know it any more.
    Ok(match files::sync(&place.dir) {
        Ok(()) => withdrawn,
        Err(_) => Withdrawn::Stays,
    })
}

/// Whether `name` in the directory of `place` is a symlink that leads where `link` leads.
fn is_ours(place: &Destination, name: &OsStr, link: &Link) -> Result<bool, Errno> {
    match fs::readlinkat(&place.dir, name, Vec::new()) {
        Ok(target) => Ok(link.targets.contains(Path::new(OsStr::from_bytes(target.as_bytes())))),
        Err(Errno::NOENT | Errno::INVAL) => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// The names beside `place` that only this program uses, as far as they are taken now, each with its file: the temporary name, and those
/// of files that were moved aside.
fn own_files(place: &Destination, link: &Link) -> Result<Vec<(OsString, FileMark)>, Errno> {
    let mut names = vec![suffixed(&place.name, NEW)];
    if link.backup.is_some() {
        let dir = files::open_directory(&place.dir, c".")?;
        let there = files::list(&dir)?.into_iter();
        let there = there.map(|(name, _)| OsString::from_vec(name.into_bytes()));
        names.extend(there.filter(|name| links::is_backup_name(name, &place.name)));
    }
    let mut taken = Vec::new();
    for name in names {
        let mark = FileMark::at(&place.dir, name.as_os_str())?;
        taken.extend(mark.map(|mark| (name, mark)));
    }
    Ok(taken)
}

/// Removes `name` in the directory of `place`.
fn unlink(place: &Destination, name: &OsStr) -> Result<(), Errno> {
    match fs::unlinkat(&place.dir, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        outcome => outcome,
    }
}

/// Removes the symlink, of which there is nothing to put in its place.
fn take_away(place: &Destination, link: &Link) -> Result<Withdrawn, Errno> {
    let (name, new) = (place.name.as_os_str(), suffixed(&place.name, NEW));
    match fs::renameat_with(&place.dir, name, &place.dir, &new, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // The temporary name is taken by a file of somebody else, or this file system has no such rename.
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS) => return unlink(place, name).map(|()| Withdrawn::Done),
        Err(Errno::NOENT) => return Ok(Withdrawn::Done),
        Err(cause) => return Err(cause),
    }
    if is_ours(place, &new, link)? {
        unlink(place, &new)?;
    } else {
        fs::renameat_with(&place.dir, &new, &place.dir, name, RenameFlags::NOREPLACE)?;
    }
    Ok(Withdrawn::Done)
}

/// Exchanges the symlink and the file `backup`, and removes the symlink.
fn put_back(place: &Destination, backup: OsString, link: &Link) -> Result<Withdrawn, Errno> {
    let name = place.name.as_os_str();
    let exchange = || fs::renameat_with(&place.dir, &backup, &place.dir, name, RenameFlags::EXCHANGE);
    match exchange() {
        Ok(()) => {}
        Err(Errno::INVAL | Errno::NOSYS) => {
            return fs::renameat(&place.dir, &backup, &place.dir, name).map(|()| Withdrawn::PutBack(backup));
        }
        Err(cause) => return Err(cause),
    }
    if is_ours(place, &backup, link)? {
        unlink(place, &backup)?;
        return Ok(Withdrawn::PutBack(backup));
    }
    exchange().map(|()| Withdrawn::Done)
}

/// Puts the file `backup` back, if nothing is at `place`. If a symlink of another installation is there, that installation has taken the
/// place over. The file then waits until the place is free.
fn fill(site: &Site, place: &Destination, backup: OsString) -> Result<Withdrawn, Errno> {
    let name = place.name.as_os_str();
    if let Some(target) = place.target() {
        let is_other = |links: &Links| {
            links
                .get(&place.path)
                .is_some_and(|link| link.targets.contains(Path::new(&target)))
        };
        let is_held = site
            .ledger
            .as_deref()
            .is_some_and(|path| ledger::others(site, path).iter().any(is_other));
        return Ok(if is_held { Withdrawn::Stays } else { Withdrawn::Done });
    }
    match fs::renameat_with(&place.dir, &backup, &place.dir, name, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Withdrawn::PutBack(backup)),
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS) => Ok(Withdrawn::Done),
        Err(cause) => Err(cause),
    }
}
