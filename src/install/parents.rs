//! Makes the missing directories on the way to a path, or finds out that they are there.

use std::{
    ffi::OsStr,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, RenameFlags, Uid},
    io::Errno,
    process::geteuid,
};

use super::{
    destination::{self, Destination},
    error::{InstallError, failed},
    files,
    homes::{DIRECTORY, Grant, Homes},
    ledger::Ledger,
    made::MadeDirectory,
    owner::Owner,
    walk::Walk,
};
use crate::system::{handle, root::Root};

/// Where systemd makes the directories of services (`StateDirectory=` and the like in systemd.exec(5)). It takes a directory that is
/// there for that of a service, so nobody can tell whether a service uses it by now.
const OF_SERVICES: &[&str] = &["/etc", "/run", "/var/cache", "/var/lib", "/var/log"];

/// Finds the place of `path`, and makes the missing directories on the way. In a home, new directories belong to the user of the
/// home. Elsewhere, they belong to the owner of the nearest existing directory.
pub(crate) fn reach(root: &Root, path: &Path, homes: Homes) -> Result<Destination, InstallError> {
    reach_noting(root, path, homes, None)
}

/// The directories on the way to `path` that [`reach`] would make, as far as a ledger has them. Each is below the one before.
///
/// A home is not among them: it belongs to its user, whoever made it. Nor is a directory in one of [`OF_SERVICES`].
pub(crate) fn missing(root: &Root, path: &Path, homes: Homes) -> Result<Vec<(PathBuf, MadeDirectory)>, InstallError> {
    let mut walk = Walk::new(root, path)?;
    let Some(first) = walk.run(None)? else { return Ok(Vec::new()) };
    let grant = homes.grant(&walk, &walk.status()?, &first)?;
    let owner = geteuid().is_root().then_some(grant.owner);
    let Some(first) = destination::resolved(walk.dir(), &first) else {
        return Ok(Vec::new());
    };
    let inner = walk.ahead().scan(first.clone(), |at, name| {
        at.push(name);
        Some((at.clone(), MadeDirectory::planned(owner, DIRECTORY)))
    });
    let first = (!grant.is_home).then(|| (first.clone(), MadeDirectory::planned(owner, grant.mode)));
    let is_of_service = |at: &Path| OF_SERVICES.iter().any(|dir| at.parent() == Some(&*root.locate(dir)));
    let all = first.into_iter().chain(inner);
    Ok(all.filter(|(at, _)| !is_of_service(at)).collect())
}

/// Does what [`reach`] does, and notes in `ledger` which of the [`missing`] directories were made.
pub(crate) fn reach_noting(
    root: &Root,
    path: &Path,
    homes: Homes,
    mut ledger: Option<&mut Ledger>,
) -> Result<Destination, InstallError> {
    let mut walk = Walk::new(root, path)?;
    while let Some(missing) = walk.run(None)? {
        let here = walk.status()?;
        let grant = homes.grant(&walk, &here, &missing)?;
        let (dir, is_ours) = make(walk.dir(), &missing, &grant, walk.here())?;
        if let Some(ledger) = &mut ledger {
            let made = fs::fstat(&dir).ok().filter(|_| is_ours && !grant.is_home);
            ledger.settle_directory(walk.dir(), &missing, made.as_ref());
        }
        walk.enter(&here, &missing, dir)?;
    }
    Ok(walk.place())
}

/// Finds the place of `path`, as [`reach`] does, and makes nothing. `None` if a directory on the way is missing.
pub(crate) fn find(root: &Root, path: &Path) -> Result<Option<Destination>, InstallError> {
    let mut walk = Walk::new(root, path)?;
    let missing = walk.run(None)?;
    Ok(missing.is_none().then(|| walk.place()))
}

/// Makes the directory `name` in `dir`. The directory is made under a temporary name, and gets the name `name` only when it has
/// its owner and mode. So nobody can find the directory under `name` with a wrong owner or mode, even if this run is killed.
/// `here` is the path of the directory, for messages. Returns whether this run has made it: if another program has made it meanwhile,
/// that directory is used.
fn make(dir: &OwnedFd, name: &OsStr, grant: &Grant, here: &Path) -> Result<(OwnedFd, bool), InstallError> {
    let fail = |cause| failed("make the directory", here)(cause);
    let new = files::suffixed(name, files::NEW);
    clear_rest(dir, &new, grant.owner.user).map_err(fail)?;
    fs::mkdirat(dir, &new, Mode::RWXU).map_err(fail)?;
    let made = give(dir, &new, grant, here);
    match made.and_then(|made| place_directory(dir, &new, name).map(|()| made).map_err(fail)) {
        Ok(made) => Ok((made, true)),
        Err(error) => {
            let _ = fs::unlinkat(dir, &new, AtFlags::REMOVEDIR);
            handle::open(dir, name).map(|other| (other, false)).map_err(|_| error)
        }
    }
}

/// Gives the new directory `new` its owner and mode.
///
/// First the function checks that `new` is the directory that was just made. The owner of `dir` could have moved another directory of
/// root's to this name after `mkdirat`. Without the check, root would give that directory away.
fn give(dir: &OwnedFd, new: &OsStr, grant: &Grant, here: &Path) -> Result<OwnedFd, InstallError> {
    let made = files::open_directory(dir, new).map_err(failed("open", here))?;
    check_fresh(&made, here)?;
    let owner = if geteuid().is_root() {
        Owner::Ids(grant.owner)
    } else {
        Owner::Caller
    };
    files::secure(made.as_fd(), owner, grant.mode).map_err(failed("set owner and mode of", here))?;
    Ok(made)
}

/// Renames `new` to `name`, which must not exist. On a file system without `RENAME_NOREPLACE`, an empty directory at `name` may be
/// replaced, but nothing else.
fn place_directory(dir: &OwnedFd, new: &OsStr, name: &OsStr) -> Result<(), Errno> {
    match fs::renameat_with(dir, new, dir, name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::renameat(dir, new, dir, name),
        outcome => outcome,
    }
}

/// Removes the directory that a killed run may have left under the temporary name `new`. The directory is removed only if it is
/// empty, and belongs to the caller or to `owner`.
pub(crate) fn clear_rest(dir: &OwnedFd, new: &OsStr, owner: Uid) -> Result<(), Errno> {
    let is_rest = files::status(dir, new)?.is_some_and(|rest| {
        files::kind(&rest) == FileType::Directory && [owner, geteuid()].contains(&Uid::from_raw(rest.st_uid))
    });
    if is_rest {
        fs::unlinkat(dir, new, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Fails unless the directory `made` looks as `mkdirat` leaves a new directory: it belongs to the caller, is closed to others, and is
/// empty.
fn check_fresh(made: &OwnedFd, here: &Path) -> Result<(), InstallError> {
    let status = fs::fstat(made).map_err(failed("examine", here))?;
    let is_ours = status.st_uid == geteuid().as_raw() && (status.st_mode & 0o777) | 0o700 == 0o700;
    if is_ours && files::list(made.as_fd()).map_err(failed("read", here))?.is_empty() {
        return Ok(());
    }
    Err(InstallError::interference(here))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_fresh_directory_is_given_away() {
        let directory = tempfile::TempDir::new().unwrap();
        let set_mode = |mode| {
            std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(mode)).unwrap();
        };
        let check = || {
            let opened = std::fs::File::open(directory.path()).unwrap().into();
            check_fresh(&opened, directory.path())
        };
        set_mode(0o2700);
        check().unwrap();
        set_mode(0o750);
        assert_refused(check());
        set_mode(0o700);
        std::fs::write(directory.path().join("file"), "").unwrap();
        assert_refused(check());
    }

    /// Asserts that the check fails, and that the error says that another program has replaced the directory.
    fn assert_refused(checked: Result<(), InstallError>) {
        let refused = checked.unwrap_err().to_string();
        assert!(refused.contains("another program replaced"), "{refused}");
    }

    #[test]
    fn a_directory_of_another_user_is_not_given_away() {
        if !crate::install::tests::is_root("a_directory_of_another_user_is_not_given_away") {
            return;
        }
        let directory = tempfile::TempDir::new().unwrap();
        std::os::unix::fs::chown(directory.path(), Some(1234), Some(0)).unwrap();
        let opened = std::fs::File::open(directory.path()).unwrap().into();
        assert_refused(check_fresh(&opened, directory.path()));
    }
}
