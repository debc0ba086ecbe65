//! The swap of the link, and links at declared paths.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, FileType, RenameFlags, StatxAttributes, StatxFlags},
    io::Errno,
};

use super::{
    destination::Destination,
    entry::Entry,
    error::{InstallError, failed},
    failure::{self, Failed},
    files::{self, NEW, suffixed},
    grounds::Grounds,
    owner::Owner,
    parents,
    plan::Wanted,
    site::Site,
    walk,
};
use crate::system::users::Ids;

/// What is moved away from the place of a link gets its old name with this suffix.
const BACKUP: &str = ".sops-backup";

/// Fails if something is mounted in the place of the link: rename(2) cannot replace a mount point, so the swap would fail.
pub(crate) fn check(site: &Site) -> Result<(), InstallError> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    // If statx fails, the swap itself will show whether it is possible.
    match fs::statx(fs::CWD, &site.link, flags, StatxFlags::empty()) {
        Ok(status) if status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) => Err(InstallError::mounted_over(&site.link)),
        _ => Ok(()),
    }
}

/// What became of the links at declared paths.
#[derive(Default)]
pub(crate) struct Spread {
    /// What was replaced or moved aside for them.
    pub warnings: Vec<String>,
    /// Those that were not made.
    pub failures: Vec<InstallError>,
}

/// Makes the symlinks of `entries` outside the published tree. They are independent: if one fails, the others are still made.
pub(crate) fn spread(site: &Site, grounds: &Grounds, entries: &[Entry<'_>], wanted: &[Wanted<'_>]) -> Spread {
    let mut spread = Spread::default();
    for (entry, wanted) in entries.iter().zip(wanted) {
        let Wanted::Outside(path) = wanted else { continue };
        match outside(site, grounds, entry, path) {
            Ok(warnings) => spread.warnings.extend(warnings),
            Err(failed) => {
                spread.warnings.extend(failed.warnings);
                let errors = failed.errors.into_iter().map(|error| error.of(entry));
                spread.failures.extend(errors);
            }
        }
    }
    spread
}

/// Makes the link of one entry.
fn outside(site: &Site, grounds: &Grounds, entry: &Entry<'_>, path: &Path) -> Result<Vec<String>, Failed> {
    let place = parents::reach(&site.root, path, site.homes)?;
    place.refuse_directory()?;
    // A symlink that an earlier run made is replaced without a warning, even if it spells the way to the secrets differently.
    let is_ours = |target: &Path| target.starts_with(&site.link) || grounds.are_target_of(&site.root, path);
    replace(&place, &site.link.join(entry.place()), entry.owner, is_ours)
}

/// Points the link at generation `number`. What stood there, and was no link to the generation that `is_live`, is kept or reported:
/// gives warnings.
pub(crate) fn swap(site: &Site, number: u64, is_live: bool) -> Result<Vec<String>, Failed> {
    let place = parents::reach(&site.root, &site.link, site.homes)?;
    let is_ours = |target: &Path| is_live || site.number(target).is_some();
    replace(&place, &site.generation(number), Owner::Caller, is_ours)
}

/// Whether the link leads to generation `number`.
pub(crate) fn leads_to(site: &Site, number: u64) -> bool {
    fs::readlink(&site.link, Vec::new())
        .is_ok_and(|target| site.number(Path::new(OsStr::from_bytes(target.as_bytes()))) == Some(number))
}

/// Puts a symlink at `place`. A warning says when one was there that is not ours.
fn replace(place: &Destination, to: &Path, owner: Owner, is_ours: impl Fn(&Path) -> bool) -> Result<Vec<String>, Failed> {
    let before = place.target().filter(|target| !is_ours(Path::new(target)));
    let mut warnings = put(place, to, owner)?;
    warnings.extend(before.map(|before| format!("{} pointed to {} and was replaced", place.path.display(), before.display())));
    Ok(warnings)
}

/// Puts a symlink at `place` in one step. Another symlink there is replaced, an empty directory goes, and anything else is moved
/// to a name with [`BACKUP`] behind it, of which a warning tells.
fn put(place: &Destination, to: &Path, owner: Owner) -> Result<Vec<String>, Failed> {
    let name = place.name.as_os_str();
    let new = suffixed(name, NEW);
    // What a killed run left under this name: its symlink, or what its exchange had just moved out of the place.
    let rest = clear(place, &new)?;
    let placed = if place.target().is_some_and(|target| target == to.as_os_str()) {
        give(place, name, to, owner).map(|()| Vec::new()).map_err(Failed::from)
    } else {
        put_new(place, &new, to, owner)
    };
    failure::behind(rest, placed)
}

/// The same where the link is not there yet.
fn put_new(place: &Destination, new: &OsStr, to: &Path, owner: Owner) -> Result<Vec<String>, Failed> {
    make_new(place, new, to, owner)?;
    exchange(place, new).inspect_err(|_| withdraw(place, new, to))
}

/// Makes the symlink under its temporary name.
fn make_new(place: &Destination, new: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let fail = |cause| failed("create a link for", &place.path)(cause);
    fs::symlinkat(to, &place.dir, new).map_err(fail)?;
    give(place, new, to, owner).inspect_err(|_| withdraw(place, new, to))
}

/// Removes our symlink from its temporary name, and nothing else: after a failed exchange, what was at the place may be there.
fn withdraw(place: &Destination, new: &OsStr, to: &Path) {
    let is_ours = fs::readlinkat(&place.dir, new, Vec::new()).is_ok_and(|target| target.as_bytes() == to.as_os_str().as_bytes());
    if is_ours {
        let _ = fs::unlinkat(&place.dir, new, AtFlags::empty());
    }
}

/// Gives the symlink `name` to `owner`: through a descriptor of the symlink itself, and only if it is a symlink to `to`. In a
/// directory of another user, that user may have moved something else of root's to this name, and must not become the owner of
/// that.
fn give(place: &Destination, name: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let fail = |cause| failed("set the owner of the link", &place.path)(cause);
    let Some(ids) = owner.to_set().map_err(fail)? else {
        return Ok(());
    };
    let link = walk::look(&place.dir, name).map_err(fail)?;
    let status = fs::fstat(&link).map_err(fail)?;
    let is_ours = files::kind(&status) == FileType::Symlink
        && fs::readlinkat(&link, c"", Vec::new()).map_err(fail)?.as_bytes() == to.as_os_str().as_bytes();
    if !is_ours {
        return Err(InstallError::interference(&place.path));
    }
    if ids == Ids::of(&status) {
        return Ok(());
    }
    fs::chownat(&link, c"", Some(ids.user), Some(ids.group), AtFlags::EMPTY_PATH).map_err(fail)
}

/// Renames `new` to its place. If something is there, the two names are exchanged in one step, and what was there is then cleared
/// under the name `new`. So the place is never empty, and what was there is never lost.
fn exchange(place: &Destination, new: &OsStr) -> Result<Vec<String>, Failed> {
    let name = place.name.as_os_str();
    let rename = |flags| fs::renameat_with(&place.dir, new, &place.dir, name, flags);
    let fail = |cause| unplaced(place, cause);
    match rename(RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => {}
        Err(Errno::INVAL | Errno::NOSYS) => return exchange_in_steps(place, new),
        outcome => return Ok(outcome.map(|()| Vec::new()).map_err(fail)?),
    }
    match rename(RenameFlags::EXCHANGE) {
        // The kernel reports that a name is taken before it asks the file system. So only this call shows whether the file system
        // can exchange names.
        Err(Errno::INVAL | Errno::NOSYS) => return exchange_in_steps(place, new),
        outcome => outcome.map_err(fail)?,
    }
    let cleared = clear(place, new).inspect_err(|_| {
        let _ = rename(RenameFlags::EXCHANGE);
    });
    Ok(cleared?)
}

/// Why a link could not be put in its place.
fn unplaced(place: &Destination, cause: Errno) -> InstallError {
    match cause {
        Errno::BUSY => InstallError::mounted_over(&place.path),
        cause => failed("put a link in place of", &place.path)(cause),
    }
}

/// [`exchange`] for file systems that cannot exchange two names, such as NFS. A symlink is still replaced in one step. Anything
/// else is moved aside first, so for a moment the place is empty.
fn exchange_in_steps(place: &Destination, new: &OsStr) -> Result<Vec<String>, Failed> {
    let name = place.name.as_os_str();
    let fail = |cause| unplaced(place, cause);
    let there = files::status(&place.dir, name).map_err(fail)?;
    let moved = if there.is_some_and(|there| files::kind(&there) != FileType::Symlink) {
        clear(place, name)?
    } else {
        Vec::new()
    };
    let renamed = fs::renameat(&place.dir, new, &place.dir, name).map_err(fail);
    failure::behind(moved, renamed.map(|()| Vec::new()).map_err(Failed::from))
}

/// Takes `from`, which stands where a link of ours belongs, out of the way. A warning says where it is now, if it is kept.
fn clear(place: &Destination, from: &OsStr) -> Result<Vec<String>, InstallError> {
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
        Some(_) => {}
    }
    let backup = move_aside(place, from).map_err(fail)?;
    let backup = place.path.with_file_name(backup);
    Ok(vec![format!(
        "{} was in the way of a link and is now {}",
        place.path.display(),
        backup.display()
    )])
}

/// Renames `from` to the first free name for a backup, so that nothing is overwritten. Returns that name.
fn move_aside(place: &Destination, from: &OsStr) -> Result<OsString, Errno> {
    // The limit only ends the search: nobody has so many backups of one name.
    for attempt in 0..10_000_u32 {
        let suffix = if attempt == 0 {
            Cow::Borrowed(BACKUP)
        } else {
            Cow::Owned(format!("{BACKUP}.{attempt}"))
        };
        let backup = suffixed(&place.name, &suffix);
        match fs::renameat_with(&place.dir, from, &place.dir, &backup, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            // This file system has no `RENAME_NOREPLACE`, so the name is looked up before.
            Err(Errno::INVAL | Errno::NOSYS) if files::status(&place.dir, &backup)?.is_some() => {}
            Err(Errno::INVAL | Errno::NOSYS) => {
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
            assert!(refused.contains("was replaced by somebody else"), "{name}: {refused}");
        }
    }
}
