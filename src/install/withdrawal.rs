//! Takes a symlink of ours away from its place, and puts the file that was moved aside for it in its place again.
//!
//! Between a look at a name and its removal, somebody may give the name to another file. So the symlink is renamed first, to a name that
//! only this program uses, and looked at there.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt,
};

use rustix::{
    fs::{self, AtFlags, RenameFlags},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files::{self, NEW, suffixed},
    links,
    made::Link,
    mark::{FileMark, FoundLink},
};
use crate::text::shell;

/// What is at the place of a symlink now.
pub(crate) enum Withdrawn {
    /// No symlink of ours.
    Done,
    /// The file that had been moved aside for the symlink, under this name.
    PutBack(OsString),
    /// Something of somebody else. So the file that was moved aside keeps this name.
    Occupied(OsString),
    /// What was done may not be on the disk yet, so the ledger has to keep the symlink.
    Unsure,
}

/// Takes the symlink `link` away from `place`, if it is ours. The file that was moved aside for it takes its place in one step, so
/// nobody finds the place empty.
pub(crate) fn withdraw(place: &Destination, link: &Link) -> Result<Withdrawn, InstallError> {
    let path = &place.path;
    let own = own_files(place, link).map_err(failed("examine what is beside", path));
    let own = own.map_err(|error| InstallError::left(&error, path, &format!("rm {}", shell::path(path))))?;
    let command = match &own.backup {
        Some(name) => format!("mv {} {}", shell::path(&path.with_file_name(name)), shell::path(path)),
        None => format!("rm {}", shell::path(path)),
    };
    let left = |cause| InstallError::left(&failed("remove the link", path)(cause), path, &command);
    for name in &own.rests {
        unlink(place, name).map_err(left)?;
    }
    let is_there = is_ours(place, &place.name, link).map_err(left)?;
    let withdrawn = match (is_there, own.backup) {
        (true, Some(backup)) => put_back(place, backup, link).map_err(left)?,
        (true, None) => take_away(place, link).map(|()| Withdrawn::Done).map_err(left)?,
        (false, Some(backup)) => fill(place, backup).map_err(left)?,
        (false, None) if own.rests.is_empty() => return Ok(Withdrawn::Done),
        (false, None) => Withdrawn::Done,
    };
    // Without this, a power cut could bring the symlink back, and the ledger would not know it any more.
    Ok(match files::sync(&place.dir) {
        Ok(()) => withdrawn,
        Err(_) => Withdrawn::Unsure,
    })
}

/// Whether `name` in the directory of `place` is the symlink `link`.
pub(crate) fn is_ours(place: &Destination, name: &OsStr, link: &Link) -> Result<bool, Errno> {
    Ok(FoundLink::at(&place.dir, name)?.is_some_and(|found| link.is(&found)))
}

/// What is there beside a symlink, under names that only this program uses.
struct OwnFiles {
    /// Symlinks of ours, which a killed run has left.
    rests: Vec<OsString>,
    /// The file that was moved aside. If a run was killed before it moved the file, the file has the temporary name.
    backup: Option<OsString>,
}

/// Finds what is there beside the symlink at `place`.
fn own_files(place: &Destination, link: &Link) -> Result<OwnFiles, Errno> {
    let mut names = vec![suffixed(&place.name, NEW)];
    if link.backup.is_some() {
        let dir = files::open_directory(&place.dir, c".")?;
        let there = files::list(&dir)?.into_iter();
        let there = there.map(|(name, _)| OsString::from_vec(name.into_bytes()));
        names.extend(there.filter(|name| links::is_backup_name(name, &place.name)));
    }
    let mut own = OwnFiles {
        rests: Vec::new(),
        backup: None,
    };
    for name in names {
        let Some(mark) = FileMark::at(&place.dir, name.as_os_str())? else {
            continue;
        };
        if is_ours(place, &name, link)? {
            own.rests.push(name);
        } else if link.has_moved(&mark, &place.dir)? {
            own.backup = Some(name);
        }
    }
    Ok(own)
}

/// Removes `name` in the directory of `place`.
fn unlink(place: &Destination, name: &OsStr) -> Result<(), Errno> {
    match fs::unlinkat(&place.dir, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        outcome => outcome,
    }
}

/// Removes the symlink, of which there is nothing to put in its place.
fn take_away(place: &Destination, link: &Link) -> Result<(), Errno> {
    let new = suffixed(&place.name, NEW);
    match rename(place, &place.name, &new) {
        Err(Errno::NOENT) => return Ok(()),
        outcome => outcome?,
    }
    if is_ours(place, &new, link)? {
        unlink(place, &new)
    } else {
        rename(place, &new, &place.name)
    }
}

/// Exchanges the symlink and the file `backup`, and removes the symlink.
fn put_back(place: &Destination, backup: OsString, link: &Link) -> Result<Withdrawn, Errno> {
    let exchange = || fs::renameat_with(&place.dir, &backup, &place.dir, &place.name, RenameFlags::EXCHANGE);
    match exchange() {
        Ok(()) => {}
        // Not every file system can exchange names.
        Err(Errno::INVAL | Errno::NOSYS) => {
            take_away(place, link)?;
            return fill(place, backup);
        }
        Err(cause) => return Err(cause),
    }
    if !is_ours(place, &backup, link)? {
        // Somebody has put something else in the place meanwhile.
        exchange()?;
        return Ok(Withdrawn::Occupied(backup));
    }
    unlink(place, &backup).inspect_err(|_| {
        // All is as before then, and the command of the message is right. The result is ignored, because the error is returned.
        let _ = exchange();
    })?;
    Ok(Withdrawn::PutBack(backup))
}

/// Puts the file `backup` back, if nothing is at `place`.
fn fill(place: &Destination, backup: OsString) -> Result<Withdrawn, Errno> {
    match rename(place, &backup, &place.name) {
        Ok(()) => Ok(Withdrawn::PutBack(backup)),
        Err(Errno::EXIST) => Ok(Withdrawn::Occupied(backup)),
        Err(cause) => Err(cause),
    }
}

/// Renames `from` to `to`, which must not exist, in the directory of `place`.
fn rename(place: &Destination, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    match fs::renameat_with(&place.dir, from, &place.dir, to, RenameFlags::NOREPLACE) {
        // This file system has no such rename. A second name is never given to a name that exists.
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::linkat(&place.dir, from, &place.dir, to, AtFlags::empty())?;
            unlink(place, from)
        }
        outcome => outcome,
    }
}
