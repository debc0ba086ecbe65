//! Takes the symlink or the copy of a former secret away, and puts back what was moved aside for it; removes a directory that was made for it.
//!
//! Between a look at a name and its removal, somebody may give the name to another file. So the symlink or the
//! copy gets another name first, and is looked at there.

use std::{
    ffi::{OsStr, OsString},
    iter,
};

use rustix::{
    fs::{self, AtFlags, FileType, RenameFlags, Uid},
    io::Errno,
};

use super::{
    destination::Destination,
    files::{self, NEW, suffixed},
    links,
    made::{MadeDirectory, MadeLink, mark},
    parents,
    wipe::{self, Unwiped},
};

/// The most backup names that are looked at: 100. A file that is moved aside gets the first name that is free.
const MOST_BACKUPS: usize = 100;

/// What is at the place of a symlink now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// The symlink is gone.
    Gone,
    /// There was no symlink of ours: it is gone already, or something else has replaced it.
    NotThere,
    /// What was there: a path that is declared leads there.
    Declared,
    /// The file that had been moved aside, under this name.
    PutBack(OsString),
    /// Something of somebody else. So the file that was moved aside keeps this name.
    Occupied(OsString),
    /// Nothing: the symlink is gone, and what has this name is not the file that was moved aside, or was changed since.
    Unknown(OsString),
    /// A file in the place of the copy: somebody has changed or replaced it.
    Changed,
}

/// What came of a withdrawal.
pub(crate) struct Departure {
    /// What is at the place now.
    pub now: Withdrawn,
    /// Why the content of the copy may still be somewhere.
    pub unwiped: Option<Unwiped>,
}

/// Takes the symlink or copy `link` away from `place`, if it is ours. The file that was moved aside for it takes its place: that of a symlink
/// in one step, and that of a copy once the copy is overwritten and gone.
pub(crate) fn take(place: &Destination, link: &MadeLink) -> Result<Departure, Errno> {
    let name = place.name.as_os_str();
    let beside = clear_beside(place, link, false)?;
    let there = files::status(&place.dir, name)?;
    let is_file = there.is_some_and(|there| files::kind(&there) == FileType::RegularFile);
    let may_be_begun = there.is_some_and(|there| link.may_be_begun_at(&place.dir, name, &there));
    let mut unwiped = None;
    let now = match (link.is_at(&place.dir, name)?, beside.backup) {
        // A run that was killed while it put the copy there may have left the file under the temporary name. Then that is no place for the copy.
        (true, Some(backup)) if is_file && backup != suffixed(name, NEW) => match take_away(place, link, &mut unwiped)? {
            Withdrawn::Gone => fill(place, backup)?,
            now => now,
        },
        (true, Some(backup)) => put_back(place, backup, link, &mut unwiped)?,
        (true, None) => match (take_away(place, link, &mut unwiped)?, beside.unknown) {
            (Withdrawn::Gone, Some(unknown)) => Withdrawn::Unknown(unknown),
            (withdrawn, _) => withdrawn,
        },
        (false, Some(backup)) => fill(place, backup)?,
        (false, None) if is_file && (link.copy.is_some() || may_be_begun) => Withdrawn::Changed,
        (false, None) => Withdrawn::NotThere,
    };
    Ok(Departure { now, unwiped })
}

/// What has the names beside a symlink.
#[derive(Default)]
pub(crate) struct Beside {
    /// The name of the file that was moved aside for the symlink, which may be the temporary name still.
    backup: Option<OsString>,
    /// The first backup name of another file, if a file was moved aside.
    unknown: Option<OsString>,
}

/// Removes the symlink or copy `link` from the names beside its place, where a killed run may have left it, until it finds the file that was moved
/// aside.
///
/// `spares` says that programs may still read the old copy, because its secret has a new one at the place: then it is not overwritten.
pub(crate) fn clear_beside(place: &Destination, link: &MadeLink, spares: bool) -> Result<Beside, Errno> {
    let (name, new) = (place.name.as_os_str(), suffixed(&place.name, NEW));
    let backups = link.backup.iter().flat_map(|_| links::backup_names(name).take(MOST_BACKUPS));
    let mut unknown = None;
    for beside in iter::once(new.clone()).chain(backups) {
        let Some(there) = files::status(&place.dir, beside.as_os_str())? else {
            continue;
        };
        if link.backup.as_ref() == Some(&mark(&there)) {
            let backup = Some(beside);
            return Ok(Beside { backup, unknown });
        }
        let is_ours = if beside == new {
            link.is_left_at(&place.dir, &beside)?
        } else {
            link.is_at(&place.dir, &beside)?
        };
        if is_ours {
            if spares && link.new != Some(there.st_ino) {
                unlink(place, &beside)?;
            } else {
                wipe::destroy(&place.dir, &beside, |file| link.was_left_with(file))?;
            }
            // The file has been exchanged with the symlink, so it has no such name any more.
            if beside != new {
                return Ok(Beside::default());
            }
        } else if beside != new {
            unknown.get_or_insert(beside);
        }
    }
    Ok(Beside { backup: None, unknown })
}

/// Removes `name` in the directory of `place`.
fn unlink(place: &Destination, name: &OsStr) -> Result<(), Errno> {
    match fs::unlinkat(&place.dir, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        outcome => outcome,
    }
}

/// Removes the symlink or copy, of which there is nothing to put in its place. `unwiped` gets why the copy could not be overwritten.
fn take_away(place: &Destination, link: &MadeLink, unwiped: &mut Option<Unwiped>) -> Result<Withdrawn, Errno> {
    let (name, new) = (place.name.as_os_str(), suffixed(&place.name, NEW));
    let from = match rename(place, name, &new) {
        Err(Errno::NOENT) => return Ok(Withdrawn::NotThere),
        // The file system has no such rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => name,
        outcome => outcome.map(|()| &*new)?,
    };
    if from == name || link.is_at(&place.dir, &new)? {
        *unwiped = wipe::destroy(&place.dir, from, |file| link.is_copy_with(file))?;
        return Ok(Withdrawn::Gone);
    }
    rename(place, &new, name).map(|()| Withdrawn::NotThere)
}

/// Exchanges the symlink or copy and the file `backup`, and removes it. `unwiped` gets why the copy could not be overwritten.
fn put_back(place: &Destination, backup: OsString, link: &MadeLink, unwiped: &mut Option<Unwiped>) -> Result<Withdrawn, Errno> {
    let name = place.name.as_os_str();
    let exchange = || fs::renameat_with(&place.dir, &backup, &place.dir, name, RenameFlags::EXCHANGE);
    match exchange() {
        Ok(()) => {}
        // The file system cannot exchange names, but it can replace the symlink.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            return fs::renameat(&place.dir, &backup, &place.dir, name).map(|()| Withdrawn::PutBack(backup));
        }
        Err(cause) => return Err(cause),
    }
    if !link.is_at(&place.dir, &backup)? {
        // Somebody has put something else in the place meanwhile.
        return exchange().map(|()| Withdrawn::Occupied(backup));
    }
    *unwiped = wipe::destroy(&place.dir, &backup, |file| link.is_copy_with(file))?;
    Ok(Withdrawn::PutBack(backup))
}

/// Puts the file `backup` back, if nothing is at `place`.
fn fill(place: &Destination, backup: OsString) -> Result<Withdrawn, Errno> {
    let outcome = match rename(place, &backup, &place.name) {
        // The file system has no such rename, so the name is looked up before.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if files::status(&place.dir, place.name.as_os_str())?.is_none() => {
            fs::renameat(&place.dir, &backup, &place.dir, place.name.as_os_str())
        }
        outcome => outcome,
    };
    match outcome {
        Ok(()) => Ok(Withdrawn::PutBack(backup)),
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(Withdrawn::Occupied(backup)),
        Err(cause) => Err(cause),
    }
}

/// Renames `from` to `to`, which must not exist, in the directory of `place`.
fn rename(place: &Destination, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    fs::renameat_with(&place.dir, from, &place.dir, to, RenameFlags::NOREPLACE)
}

/// Removes the directory `made` at `place`, if it is ours, and if nothing is in it.
pub(crate) fn remove_directory(place: &Destination, made: &MadeDirectory) -> Result<(), Errno> {
    let name = place.name.as_os_str();
    if made.inode.is_none() {
        // A killed run may have left it under its temporary name.
        match parents::clear_rest(&place.dir, &suffixed(name, NEW), Uid::from_raw(made.owner)) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(cause) => return Err(cause),
        }
    }
    if files::status(&place.dir, name)?.is_some_and(|there| made.is(&there)) {
        match fs::unlinkat(&place.dir, name, AtFlags::REMOVEDIR) {
            // Others use it.
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}
