//! The swap of the link, and links at declared paths.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, RenameFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::error::{InstallError, failed};
use super::files::{self, NEW, Owner, suffixed};
use super::walk::{self, Place};
use super::{Entry, Site};

/// Ends the name of what stood where a link belongs.
const BACKUP: &str = ".sops-backup";

/// Where an entry wants to be seen, beside its own place.
pub(super) enum Wanted<'a> {
    /// Nowhere.
    Nothing,
    /// Inside the published tree, under this name.
    Inside(&'a str),
    /// At this path.
    Outside(&'a Path),
}

/// Reads the declared path of `entry`.
pub(super) fn wanted<'a>(site: &Site, entry: &'a Entry<'_>) -> Result<Wanted<'a>, InstallError> {
    let Some(path) = entry.path.as_deref() else {
        return Ok(Wanted::Nothing);
    };
    walk::check(path)?;
    let Ok(inside) = path.strip_prefix(&site.link) else {
        return Ok(Wanted::Outside(path));
    };
    match inside.to_str() {
        None | Some("") => Err(InstallError::NotPlain { path: path.to_owned() }),
        Some(name) if name == entry.location() => Ok(Wanted::Nothing),
        Some(name) => Ok(Wanted::Inside(name)),
    }
}

/// Something at a declared path that keeps a link from being made.
pub(super) struct Obstacle {
    /// What it is.
    pub error: InstallError,
    /// Whether only root or the caller can have put it there. A plain user must not be able to stop updates of all secrets.
    pub is_ours: bool,
}

/// What stands in the way of the declared paths. Changes nothing, so it can be asked before the first write.
pub(super) fn obstacles(site: &Site, entries: &[Entry<'_>]) -> Vec<Obstacle> {
    entries.iter().filter_map(|entry| obstacle(site, entry).err()).collect()
}

/// What stands in the way of one entry's path.
fn obstacle(site: &Site, entry: &Entry<'_>) -> Result<(), Obstacle> {
    let of = |is_ours| move |error| Obstacle { error, is_ours };
    let Wanted::Outside(path) = wanted(site, entry).map_err(of(true))? else {
        return Ok(());
    };
    let (found, is_ours) = walk::find(path);
    match found.map_err(of(is_ours))? {
        Some(place) => refuse_directory(&place).map(drop).map_err(of(is_ours && is_safe(&place))),
        None => Ok(()),
    }
}

/// Whether what is at `place` can be of root or the caller only.
fn is_safe(place: &Place) -> bool {
    let there = files::status(&place.dir, place.name.as_os_str()).ok().flatten();
    fs::fstat(&place.dir).is_ok_and(|dir| walk::is_safe(&dir, there.as_ref()))
}

/// Refuses a link that cannot be swapped, since something is mounted in its place.
pub(super) fn check(site: &Site) -> Result<(), InstallError> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    // What cannot be asked here is answered by the swap itself.
    match fs::statx(fs::CWD, &site.link, flags, StatxFlags::empty()) {
        Ok(status) if status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) => {
            Err(InstallError::MountPoint { path: site.link.clone() })
        }
        _ => Ok(()),
    }
}

/// Makes the links of `entries` outside the published tree. Each stands for itself: one failure keeps no other from being made.
pub(super) fn spread(site: &Site, generation: &OwnedFd, entries: &[Entry<'_>], warnings: &mut Vec<String>) -> Vec<InstallError> {
    let mut make = |entry: &Entry<'_>| match wanted(site, entry)? {
        Wanted::Outside(path) => outside(site, generation, entry, path, warnings),
        Wanted::Inside(_) | Wanted::Nothing => Ok(()),
    };
    entries.iter().filter_map(|entry| make(entry).err()).collect()
}

/// Makes the link of one entry.
fn outside(
    site: &Site,
    generation: &OwnedFd,
    entry: &Entry<'_>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), InstallError> {
    let place = walk::reach(path)?;
    let there = refuse_directory(&place)?;
    let published = files::status(generation, &*entry.location()).map_err(failed("examine", path))?;
    if let (Some(there), Some(published)) = (there, published)
        && files::same_file(&there, &published)
    {
        // The path leads into the published tree by another way, as /var/run does: the file is in its place.
        return Ok(());
    }
    if target(&place).is_some_and(|target| site.number(Path::new(&target)).is_some()) {
        return Err(InstallError::NotPlain { path: path.to_owned() });
    }
    let is_ours = |target: &Path| target.starts_with(&site.link) || target.starts_with(&site.mount_point);
    replace(&place, &site.link.join(&*entry.location()), entry.owner, is_ours, warnings)
}

/// Points the link at generation `number`. What stood there, and was not a link of ours, is kept.
pub(super) fn swap(site: &Site, number: u64, warnings: &mut Vec<String>) -> Result<(), InstallError> {
    let place = walk::reach(&site.link)?;
    let is_ours = |target: &Path| site.number(target).is_some();
    replace(&place, &site.generation(number), None, is_ours, warnings)
}

/// Puts a symlink at `place`, and says when it was one that is not ours.
fn replace(
    place: &Place,
    to: &Path,
    owner: Owner,
    is_ours: impl Fn(&Path) -> bool,
    warnings: &mut Vec<String>,
) -> Result<(), InstallError> {
    let before = target(place).filter(|target| !is_ours(Path::new(target)));
    put(place, to, owner, warnings)?;
    if let Some(before) = before {
        warnings.push(format!(
            "{} pointed to {} and was replaced",
            place.path.display(),
            before.display()
        ));
    }
    Ok(())
}

/// The status of what is at `place`; a directory is an error.
fn refuse_directory(place: &Place) -> Result<Option<fs::Stat>, InstallError> {
    let there = files::status(&place.dir, place.name.as_os_str()).map_err(failed("examine", &place.path))?;
    if there.as_ref().is_some_and(|there| files::kind(there) == FileType::Directory) {
        return Err(InstallError::DirectoryInTheWay {
            path: place.path.clone(),
        });
    }
    Ok(there)
}

/// The target of the symlink at `place`, if it is one.
fn target(place: &Place) -> Option<OsString> {
    let target = fs::readlinkat(&place.dir, place.name.as_os_str(), Vec::new()).ok()?;
    Some(OsString::from_vec(target.into_bytes()))
}

/// Puts a symlink at `place` in one step. Another symlink there is replaced, an empty directory goes, and anything else is moved
/// to a name with [`BACKUP`] behind it.
fn put(place: &Place, to: &Path, owner: Owner, warnings: &mut Vec<String>) -> Result<(), InstallError> {
    let name = place.name.as_os_str();
    let new = suffixed(name, NEW);
    // The rest of a run that was killed: a link, or what the exchange had just taken out of its place.
    clear(place, &new, warnings)?;
    if target(place).is_some_and(|target| target == to.as_os_str()) {
        return give(place, name, to, owner);
    }
    make_new(place, &new, to, owner)?;
    exchange(place, &new, warnings).inspect_err(|_| withdraw(place, &new, to))
}

/// Makes the symlink under its temporary name.
fn make_new(place: &Place, new: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let fail = |cause| failed("create a link for", &place.path)(cause);
    fs::symlinkat(to, &place.dir, new).map_err(fail)?;
    give(place, new, to, owner).inspect_err(|_| withdraw(place, new, to))
}

/// Removes our link from its temporary name. After a failure something else may be there: what an exchange took out of its place.
fn withdraw(place: &Place, new: &OsStr, to: &Path) {
    let is_ours = fs::readlinkat(&place.dir, new, Vec::new()).is_ok_and(|target| target.as_bytes() == to.as_os_str().as_bytes());
    if is_ours {
        let _ = fs::unlinkat(&place.dir, new, AtFlags::empty());
    }
}

/// Gives the symlink `name` to `owner`: by its own descriptor, and only when it is the link that we mean. In a directory of another
/// user the name may stand for something else by now, and that must not be given away.
fn give(place: &Place, name: &OsStr, to: &Path, owner: Owner) -> Result<(), InstallError> {
    let Some(owner) = owner else { return Ok(()) };
    let fail = |cause| failed("set the owner of the link", &place.path)(cause);
    let link = walk::look(&place.dir, name).map_err(fail)?;
    let status = fs::fstat(&link).map_err(fail)?;
    let is_ours = files::kind(&status) == FileType::Symlink
        && fs::readlinkat(&link, c"", Vec::new()).map_err(fail)?.as_bytes() == to.as_os_str().as_bytes();
    if !is_ours {
        return Err(InstallError::Interference {
            path: place.path.clone(),
        });
    }
    if owner == (status.st_uid, status.st_gid) {
        return Ok(());
    }
    let (uid, gid) = files::ids(owner).map_err(fail)?;
    fs::chownat(&link, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH).map_err(fail)
}

/// Moves `new` to its place. What was there comes out under the name `new`, and is cleared from there: at no time is it lost, and at
/// no time is there nothing.
fn exchange(place: &Place, new: &OsStr, warnings: &mut Vec<String>) -> Result<(), InstallError> {
    let name = place.name.as_os_str();
    let rename = |flags| fs::renameat_with(&place.dir, new, &place.dir, name, flags);
    let fail = |cause| unplaced(place, cause);
    match rename(RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => {}
        Err(Errno::INVAL | Errno::NOSYS) => return exchange_in_steps(place, new, warnings),
        outcome => return outcome.map_err(fail),
    }
    match rename(RenameFlags::EXCHANGE) {
        // Before it asks the file system, the kernel itself answers that a name is taken: only here do we learn of its limits.
        Err(Errno::INVAL | Errno::NOSYS) => return exchange_in_steps(place, new, warnings),
        outcome => outcome.map_err(fail)?,
    }
    clear(place, new, warnings).inspect_err(|_| {
        let _ = rename(RenameFlags::EXCHANGE);
    })
}

/// Why a link could not be put in its place.
fn unplaced(place: &Place, cause: Errno) -> InstallError {
    match cause {
        Errno::BUSY => InstallError::MountPoint {
            path: place.path.clone(),
        },
        cause => failed("put a link in place of", &place.path)(cause),
    }
}

/// The same on file systems that cannot exchange two names, such as NFS: a symlink is still replaced in one step, and anything else
/// is moved aside before.
fn exchange_in_steps(place: &Place, new: &OsStr, warnings: &mut Vec<String>) -> Result<(), InstallError> {
    let name = place.name.as_os_str();
    let fail = |cause| unplaced(place, cause);
    let there = files::status(&place.dir, name).map_err(fail)?;
    if there.is_some_and(|there| files::kind(&there) != FileType::Symlink) {
        clear(place, name, warnings)?;
    }
    fs::renameat(&place.dir, new, &place.dir, name).map_err(fail)
}

/// Takes `from`, which stands where a link of ours belongs, out of the way.
fn clear(place: &Place, from: &OsStr, warnings: &mut Vec<String>) -> Result<(), InstallError> {
    let fail = |cause| failed("move aside what is at", &place.path)(cause);
    let status = files::status(&place.dir, from).map_err(fail)?;
    match status.as_ref().map(files::kind) {
        None => return Ok(()),
        Some(FileType::Symlink) => {
            return fs::unlinkat(&place.dir, from, AtFlags::empty()).map_err(fail);
        }
        Some(FileType::Directory) => match fs::unlinkat(&place.dir, from, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            outcome => return outcome.map_err(fail),
        },
        Some(_) => {}
    }
    let backup = move_aside(place, from).map_err(fail)?;
    let backup = place.path.with_file_name(backup);
    warnings.push(format!(
        "{} was in the way of a link and is now {}",
        place.path.display(),
        backup.display()
    ));
    Ok(())
}

/// Renames `from` to the first free backup name, overwriting nothing. Gives that name.
fn move_aside(place: &Place, from: &OsStr) -> Result<OsString, Errno> {
    for attempt in 0..10_000_u32 {
        let suffix = if attempt == 0 {
            Cow::Borrowed(BACKUP)
        } else {
            Cow::Owned(format!("{BACKUP}.{attempt}"))
        };
        let backup = suffixed(&place.name, &suffix);
        match fs::renameat_with(&place.dir, from, &place.dir, &backup, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
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

    #[test]
    fn only_the_link_that_we_mean_is_given_away() {
        let directory = tempfile::TempDir::new().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let owner = Some((1234, 1234));
        std::fs::write(top.join("file"), "root's").unwrap();
        std::os::unix::fs::symlink("elsewhere", top.join("link")).unwrap();
        for name in ["file", "link"] {
            let place = walk::reach(&top.join(name)).unwrap();
            let outcome = give(&place, OsStr::new(name), Path::new("target"), owner);
            assert!(matches!(outcome, Err(InstallError::Interference { .. })), "{name}");
        }
    }
}
