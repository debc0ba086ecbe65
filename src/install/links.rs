//! Swaps the link, and puts a symlink or a copy in the place of what was there.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, FileType, RenameFlags, Stat},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    failure::{self, Failed},
    files::{self, NEW, suffixed},
    made::MadeLink,
    newcomer::Newcomer,
    owner::Owner,
    parents,
    site::Site,
    wipe,
};
use crate::{
    system::{handle, ids::Ids, memory},
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// The suffix for the name of a file or directory that is moved away from the place of a link.
const BACKUP: &str = ".sops-backup";

/// Fails if a file system is mounted at the place of the link. rename(2) cannot replace a mount point, so the swap would fail.
pub(crate) fn check(site: &Site) -> Result<(), InstallError> {
    // If the system does not tell, the swap will show whether the link can be replaced.
    if memory::is_mounted_over(&site.link) {
        return Err(InstallError::mounted_over(&site.link));
    }
    Ok(())
}

/// Swaps the link to generation `number`. `is_live` says whether the link led to a generation before. If the link led to something
/// that is no generation, a warning reports its old target. If a file, or a directory that is not empty, was at the place of the
/// link, it is moved aside, and a warning reports its new name.
pub(crate) fn swap(site: &Site, number: u64, is_live: bool) -> Result<Vec<String>, Failed> {
    let place = parents::reach(&site.root, &site.link, site.homes)?;
    let is_ours = |target: &Path| is_live || site.number(target).is_some();
    replace(&place, &site.generation(number), Owner::Caller, is_ours, None)
}

/// Whether the target of the link is the path of generation `number`.
pub(crate) fn leads_to(site: &Site, number: u64) -> bool {
    fs::readlink(&site.link, Vec::new())
        .is_ok_and(|target| site.number(Path::new(OsStr::from_bytes(target.as_bytes()))) == Some(number))
}

/// Puts a symlink to `to` at `place`. If a symlink to another target was there, and `is_ours` rejects that target, a warning reports
/// the target. `known` is what the ledger had of the place before.
pub(crate) fn replace(
    place: &Destination,
    to: &Path,
    owner: Owner,
    is_ours: impl Fn(&Path) -> bool,
    known: Option<&MadeLink>,
) -> Result<Vec<String>, Failed> {
    let replaced = replaced(place, is_ours);
    let mut warnings = put(place, to, owner, known)?;
    warnings.extend(replaced);
    Ok(warnings)
}

/// The warning about a symlink at `place` that is about to be replaced; `None` if there is none, or if `is_ours` accepts its target.
pub(crate) fn replaced(place: &Destination, is_ours: impl Fn(&Path) -> bool) -> Option<String> {
    let before = place.target().filter(|target| !is_ours(Path::new(target)))?;
    Some(format!(
        "{} was replaced; it was a symlink to {}",
        shown(&place.path),
        shown(Path::new(&before))
    ))
}

/// Puts a symlink to `to` at `place`, in one step if the file system can do so. An existing symlink is replaced, and an empty
/// directory is removed. Anything else is renamed with the suffix [`BACKUP`], and a warning reports the new name.
fn put(place: &Destination, to: &Path, owner: Owner, known: Option<&MadeLink>) -> Result<Vec<String>, Failed> {
    let newcomer = Newcomer::link(known);
    let name = place.name.as_os_str();
    let new = suffixed(name, NEW);
    // A killed run may have left something under the temporary name: its new symlink, or the old content of `place` after an
    // exchange.
    let rest = clear(place, &new, &newcomer)?;
    let placed = if place.target().is_some_and(|target| target == to.as_os_str()) {
        give(place, name, to, owner).map(|()| Vec::new()).map_err(Failed::from)
    } else {
        put_new(place, &new, to, owner, &newcomer)
    };
    failure::behind(rest, placed)
}

/// Does what [`put`] does, if no symlink to `to` is at `place` yet. `new` is the temporary name.
fn put_new(place: &Destination, new: &OsStr, to: &Path, owner: Owner, newcomer: &Newcomer<'_>) -> Result<Vec<String>, Failed> {
    make_new(place, new, to, owner)?;
    exchange(place, new, newcomer).inspect_err(|_| withdraw(place, new, to))
}

/// Makes the symlink to `to` under the temporary name `new`, and gives the symlink to `owner`.
fn make_new(place: &Destination, new: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let fail = |cause| failed("create a link for", &place.path)(cause);
    fs::symlinkat(to, &place.dir, new).map_err(fail)?;
    give(place, new, to, owner).inspect_err(|_| withdraw(place, new, to))
}

/// Removes our symlink from the temporary name `new`. Nothing else is removed: after a failed exchange, the old content of the place
/// may have this name.
fn withdraw(place: &Destination, new: &OsStr, to: &Path) {
    let is_ours = fs::readlinkat(&place.dir, new, Vec::new()).is_ok_and(|target| target.as_bytes() == to.as_os_str().as_bytes());
    if is_ours {
        let _ = fs::unlinkat(&place.dir, new, AtFlags::empty());
    }
}

/// Gives the symlink `name` to `owner`, by a descriptor of the symlink itself, and only if the symlink leads to `to`.
///
/// In a directory of another user, that user could rename another file of root's to `name` at this moment. Without the check, that
/// file would then be given to the user.
fn give(place: &Destination, name: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let fail = |cause| failed("set the owner of the link", &place.path)(cause);
    let Some(ids) = owner.to_set().map_err(fail)? else {
        return Ok(());
    };
    let link = handle::open(&place.dir, name).map_err(fail)?;
    let status = fs::fstat(&link).map_err(fail)?;
    let is_ours = files::kind(&status) == FileType::Symlink
        && handle::target(&place.dir, name, &link).map_err(fail)?.as_bytes() == to.as_os_str().as_bytes();
    if !is_ours {
        return Err(InstallError::interference(&place.path));
    }
    if ids == Ids::of(&status) {
        return Ok(());
    }
    handle::give(&link, ids).map_err(fail)
}

/// Renames `new`, a symlink or a copy, to the name of its place. If that name is taken, the two names are exchanged in one step. Then what was
/// there before has the name `new`, and [`clear`] removes it if it is a symlink, a copy of ours or an empty directory, and keeps anything
/// else under a backup name. So no file is lost. The place is never empty, unless the file system cannot exchange names.
pub(crate) fn exchange(place: &Destination, new: &OsStr, newcomer: &Newcomer<'_>) -> Result<Vec<String>, Failed> {
    let name = place.name.as_os_str();
    let rename = |flags| fs::renameat_with(&place.dir, new, &place.dir, name, flags);
    let fail = |cause| unplaced(place, newcomer, cause);
    match rename(RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => {}
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return exchange_in_steps(place, new, newcomer),
        outcome => return Ok(outcome.map(|()| Vec::new()).map_err(fail)?),
    }
    match rename(RenameFlags::EXCHANGE) {
        // The rename before does not show whether the file system can exchange names: if the name is taken, the kernel reports
        // `EEXIST` without asking the file system.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return exchange_in_steps(place, new, newcomer),
        outcome => outcome.map_err(fail)?,
    }
    let cleared = clear(place, new, newcomer).inspect_err(|_| {
        // The old content could not be moved aside. The names are exchanged back, so that everything is as before. The result is
        // ignored, because the error of `clear` is returned.
        let _ = rename(RenameFlags::EXCHANGE);
    });
    Ok(cleared?)
}

/// The error for a link or copy that could not be put in its place. `EBUSY` means that a file system is mounted there.
fn unplaced(place: &Destination, newcomer: &Newcomer<'_>, cause: Errno) -> InstallError {
    match cause {
        Errno::BUSY => InstallError::mounted_over(&place.path),
        cause if newcomer.is_copy => failed("put a copy in place of", &place.path)(cause),
        cause => failed("put a link in place of", &place.path)(cause),
    }
}

/// Does what [`exchange`] does on file systems that cannot exchange two names, such as NFS. A symlink or a copy of ours is still replaced in
/// one step. Another file or a directory is moved aside first, so the place is empty for a moment.
fn exchange_in_steps(place: &Destination, new: &OsStr, newcomer: &Newcomer<'_>) -> Result<Vec<String>, Failed> {
    let name = place.name.as_os_str();
    let fail = |cause| unplaced(place, newcomer, cause);
    let there = files::status(&place.dir, name).map_err(fail)?;
    let is_replaced = |there: &Stat| files::kind(there) == FileType::Symlink || (newcomer.is_copy && newcomer.replaces(there));
    let moved = if there.is_some_and(|there| !is_replaced(&there)) {
        clear(place, name, newcomer)?
    } else {
        Vec::new()
    };
    let renamed = fs::renameat(&place.dir, new, &place.dir, name).map_err(fail);
    failure::behind(moved, renamed.map(|()| Vec::new()).map_err(Failed::from))
}

/// Clears the name `from`, so that `newcomer` can be put there. A symlink, a copy of ours or an empty directory is removed. Anything else
/// is renamed to a backup name, and a warning reports that name.
pub(crate) fn clear(place: &Destination, from: &OsStr, newcomer: &Newcomer<'_>) -> Result<Vec<String>, InstallError> {
    let fail = |cause| failed("move aside what is at", &place.path)(cause);
    let status = files::status(&place.dir, from).map_err(fail)?;
    match status.as_ref().map(files::kind) {
        None => return Ok(Vec::new()),
        Some(FileType::Symlink) => {
            return fs::unlinkat(&place.dir, from, AtFlags::empty())
                .map(|()| Vec::new())
                .map_err(fail);
        }
        Some(FileType::Directory) => match fs::unlinkat(&place.dir, from, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            outcome => return outcome.map(|()| Vec::new()).map_err(fail),
        },
        Some(FileType::RegularFile) if status.as_ref().is_some_and(|there| newcomer.replaces(there)) => {
            return remove_copy(place, from, newcomer).map_err(fail);
        }
        Some(_) => {}
    }
    let backup = move_aside(place, from).map_err(fail)?;
    let backup = place.path.with_file_name(backup);
    let moved = format!(
        "{} was moved to {}, because a {} belongs in its place",
        shown(&place.path),
        shown(&backup),
        newcomer.noun()
    );
    // What somebody has made of a copy does not go with the secret.
    let remedy = format!(
        "it may have the text of the secret, and stays: if nobody needs it, run: rm {}",
        shell::path(&backup)
    );
    Ok(vec![if status.is_some_and(|there| newcomer.was_copy(&there)) {
        Diagnosis::new(moved, remedy).to_string()
    } else {
        moved
    }])
}

/// Removes a copy that `newcomer` replaces. Programs may still read it, as they would still read a former generation. So it is overwritten
/// only if the secret is not at this place any more.
fn remove_copy(place: &Destination, from: &OsStr, newcomer: &Newcomer<'_>) -> Result<Vec<String>, Errno> {
    if newcomer.is_copy {
        return fs::unlinkat(&place.dir, from, AtFlags::empty()).map(|()| Vec::new());
    }
    let unwiped = wipe::destroy(&place.dir, from, |file| newcomer.replaces(file))?;
    Ok(Vec::from_iter(
        unwiped.map(|why| InstallError::not_wiped(&place.path, &why).to_string()),
    ))
}

/// The names that a file with the name `name` may get when it is moved aside, in the order in which they are tried. The limit of 10,000
/// only ends the search: nobody has so many backups of one name.
pub(crate) fn backup_names(name: &OsStr) -> impl Iterator<Item = OsString> {
    (0..10_000_u32).map(move |attempt| match attempt {
        0 => suffixed(name, BACKUP),
        _ => suffixed(name, &format!("{BACKUP}.{attempt}")),
    })
}

/// Renames `from` to the first free backup name, so that nothing is overwritten. Returns the backup name.
fn move_aside(place: &Destination, from: &OsStr) -> Result<OsString, Errno> {
    for backup in backup_names(&place.name) {
        match fs::renameat_with(&place.dir, from, &place.dir, &backup, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            // This file system has no `RENAME_NOREPLACE`, so the name is looked up before the rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if files::status(&place.dir, &backup)?.is_some() => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                return fs::renameat(&place.dir, from, &place.dir, &backup).map(|()| backup);
            }
            outcome => return outcome.map(|()| backup),
        }
    }
    Err(Errno::EXIST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{install::homes::Homes, system::root::Root};

    #[test]
    fn only_the_link_that_we_mean_is_given_away() {
        let directory = tempfile::TempDir::new().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let owner = Owner::Ids(Ids::new(1234, 1234).unwrap());
        std::fs::write(top.join("file"), "root's").unwrap();
        std::os::unix::fs::symlink("elsewhere", top.join("link")).unwrap();
        for name in ["file", "link"] {
            let place = parents::reach(&Root::new("/"), &top.join(name), Homes::Unknown).unwrap();
            let outcome = give(&place, OsStr::new(name), Path::new("target"), owner);
            let refused = outcome.unwrap_err().to_string();
            assert!(refused.contains("another program replaced"), "{name}: {refused}");
        }
    }
}
