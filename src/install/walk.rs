//! From `/` to the directory that a path lies in, part by part and by descriptor.
//!
//! Paths may lead through directories of other users. Between two looks at a name its owner can make it something else; a
//! descriptor stays what it was. A symlink that root or the caller made is followed; one of another user only to a directory of that
//! same user, where they could have put anything themselves.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use super::error::{InstallError, failed};
use super::files;

/// As many symlinks as the kernel follows in one path.
const MAX_SYMLINKS: usize = 40;

/// A name in an open directory.
pub(super) struct Place {
    /// The directory, opened for look-up only.
    pub dir: OwnedFd,
    /// The last part of the path.
    pub name: OsString,
    /// The whole path, for messages.
    pub path: PathBuf,
}

/// The place of `path`, or `None` when one of its parents is missing; and whether it, or what stopped us, is out of reach of other
/// users. Changes nothing.
pub(super) fn find(path: &Path) -> (Result<Option<Place>, InstallError>, bool) {
    match Walk::new(path) {
        Ok(mut walk) => (walk.run(false), walk.is_safe),
        Err(error) => (Err(error), true),
    }
}

/// Whether nobody but root and the caller can put something else in the place of an entry of `dir`. In a sticky directory that holds
/// for what is theirs.
pub(super) fn is_safe(dir: &Stat, entry: Option<&Stat>) -> bool {
    let is_ours = |status: &Stat| status.st_uid == 0 || status.st_uid == geteuid().as_raw();
    let is_our_group = dir.st_gid == 0 || dir.st_gid == getegid().as_raw();
    let writers = if is_our_group { 0o002 } else { 0o022 };
    let is_open = dir.st_mode & writers != 0;
    let is_kept = dir.st_mode & 0o1000 != 0 && entry.is_some_and(is_ours);
    is_ours(dir) && (!is_open || is_kept)
}

/// The place of `path`; missing parents are made, with the owner of the nearest existing one and mode 0755.
pub(super) fn reach(path: &Path) -> Result<Place, InstallError> {
    let place = Walk::new(path)?.run(true)?;
    place.ok_or_else(|| failed("reach", path)(Errno::NOENT))
}

/// Refuses a path that is relative, climbs, or is `/`.
pub(super) fn check(path: &Path) -> Result<(), InstallError> {
    Walk::new(path).map(drop)
}

/// The parts of an absolute path without `..`.
fn parts(path: &Path) -> Result<VecDeque<OsString>, InstallError> {
    let refuse = || InstallError::NotPlain { path: path.to_owned() };
    if !path.is_absolute() {
        return Err(refuse());
    }
    path.components()
        .filter(|part| *part != Component::RootDir)
        .map(|part| match part {
            Component::Normal(name) => Ok(name.to_owned()),
            _ => Err(refuse()),
        })
        .collect()
}

/// One way down.
struct Walk<'a> {
    /// The path as declared.
    path: &'a Path,
    /// Parents still to be entered.
    parents: VecDeque<OsString>,
    /// The last part.
    name: OsString,
    /// Where we are, for messages.
    here: PathBuf,
    /// Symlinks followed so far.
    followed: usize,
    /// A user whose symlink was followed, and that symlink: from there on only directories of theirs are written to.
    bound: Option<(u32, PathBuf)>,
    /// Whether nobody else could have changed anything on the way.
    is_safe: bool,
}

impl<'a> Walk<'a> {
    /// Stands at `/`, with all parents of `path` ahead.
    fn new(path: &'a Path) -> Result<Self, InstallError> {
        let mut parents = parts(path)?;
        let name = parents
            .pop_back()
            .ok_or_else(|| InstallError::NotPlain { path: path.to_owned() })?;
        Ok(Self {
            path,
            parents,
            name,
            here: PathBuf::from("/"),
            followed: 0,
            bound: None,
            is_safe: true,
        })
    }

    /// Enters parent after parent; a missing one is made if `make`, and ends the walk else.
    fn run(&mut self, make: bool) -> Result<Option<Place>, InstallError> {
        let mut dir = root()?;
        while let Some(part) = self.parents.pop_front() {
            self.here.push(&part);
            let looked = look(&dir, &part);
            self.judge(&dir, looked.as_ref().ok())?;
            let next = match looked {
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(Errno::NOENT) => {
                    self.check_bound(&dir)?;
                    make_parent(&dir, &part, &self.here)?
                }
                other => other.map_err(failed("open", &self.here))?,
            };
            let status = fs::fstat(&next).map_err(failed("examine", &self.here))?;
            dir = match files::kind(&status) {
                FileType::Directory => next,
                FileType::Symlink => self.follow(dir, &next, status.st_uid)?,
                _ => {
                    return Err(InstallError::NotADirectory {
                        path: self.path.to_owned(),
                        part: self.here.clone(),
                    });
                }
            };
        }
        self.check_bound(&dir)?;
        Ok(Some(Place {
            dir,
            name: self.name.clone(),
            path: self.path.to_owned(),
        }))
    }

    /// Takes note of who could have changed the entry of `dir` that we have come to.
    fn judge(&mut self, dir: &OwnedFd, entry: Option<&OwnedFd>) -> Result<(), InstallError> {
        let fail = |cause| failed("examine", &self.here)(cause);
        let entry = entry.map(fs::fstat).transpose();
        self.is_safe &= is_safe(&fs::fstat(dir).map_err(fail)?, entry.as_ref().ok().and_then(Option::as_ref));
        Ok(())
    }

    /// Puts the target of a symlink ahead of the other parts. Gives the directory to go on from.
    fn follow(&mut self, dir: OwnedFd, link: &OwnedFd, owner: u32) -> Result<OwnedFd, InstallError> {
        if owner != 0 && owner != geteuid().as_raw() {
            match &self.bound {
                Some((other, part)) if *other != owner => return Err(self.foreign(part, *other)),
                _ => self.bound = Some((owner, self.here.clone())),
            }
        }
        self.followed += 1;
        if self.followed > MAX_SYMLINKS {
            return Err(failed("reach", self.path)(Errno::LOOP));
        }
        let target = fs::readlinkat(link, c"", Vec::new()).map_err(failed("read the symlink", &self.here))?;
        let target = Path::new(OsStr::from_bytes(target.as_bytes()));
        for part in target.components().rev() {
            if !matches!(part, Component::RootDir | Component::CurDir) {
                self.parents.push_front(part.as_os_str().to_owned());
            }
        }
        if target.is_absolute() {
            self.here = PathBuf::from("/");
            return root();
        }
        self.here.pop();
        Ok(dir)
    }

    /// Whether somebody's symlink, if one was followed, has led to a directory of theirs.
    fn check_bound(&self, dir: &OwnedFd) -> Result<(), InstallError> {
        let Some((owner, part)) = &self.bound else {
            return Ok(());
        };
        let status = fs::fstat(dir).map_err(failed("examine", &self.here))?;
        if status.st_uid == *owner {
            Ok(())
        } else {
            Err(self.foreign(part, *owner))
        }
    }

    /// The refusal to follow a symlink.
    fn foreign(&self, part: &Path, owner: u32) -> InstallError {
        InstallError::ForeignSymlink {
            path: self.path.to_owned(),
            part: part.to_owned(),
            owner,
        }
    }
}

/// The root directory.
fn root() -> Result<OwnedFd, InstallError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open(c"/", flags, Mode::empty()).map_err(failed("open", Path::new("/")))
}

/// Opens `name` for look-up, without following it and without needing leave to read it.
pub(super) fn look(dir: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Makes a missing parent, which belongs to the owner of the directory that it is in. It is made under a temporary name: whoever finds
/// it under its own finds it with owner and mode, also after a kill.
fn make_parent(dir: &OwnedFd, name: &OsStr, here: &Path) -> Result<OwnedFd, InstallError> {
    let fail = |cause| failed("make the directory", here)(cause);
    let parent = fs::fstat(dir).map_err(fail)?;
    let new = files::suffixed(name, files::NEW);
    clear_rest(dir, &new, parent.st_uid).map_err(fail)?;
    fs::mkdirat(dir, &new, Mode::RWXU).map_err(fail)?;
    let made = give(dir, &new, &parent, here);
    match made.and_then(|made| place_directory(dir, &new, name).map(|()| made).map_err(fail)) {
        Ok(made) => Ok(made),
        Err(error) => {
            let _ = fs::unlinkat(dir, &new, AtFlags::REMOVEDIR);
            // Somebody else may have made it meanwhile.
            look(dir, name).map_err(|_| error)
        }
    }
}

/// Gives the fresh directory `new` to the owner of `parent`.
///
/// Only what is certainly ours is given away: had the owner of `dir` put another directory of root there after `mkdirat`, they
/// would be given that one.
fn give(dir: &OwnedFd, new: &OsStr, parent: &Stat, here: &Path) -> Result<OwnedFd, InstallError> {
    let made = files::open_directory(dir, new).map_err(failed("open", here))?;
    check_fresh(&made, here)?;
    let owner = geteuid().is_root().then_some((parent.st_uid, parent.st_gid));
    files::secure(made.as_fd(), owner, 0o755).map_err(failed("set owner and mode of", here))?;
    Ok(made)
}

/// Renames `new` to `name`, where nothing is; a file system without flags does not replace more than an empty directory.
fn place_directory(dir: &OwnedFd, new: &OsStr, name: &OsStr) -> Result<(), Errno> {
    match fs::renameat_with(dir, new, dir, name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => fs::renameat(dir, new, dir, name),
        outcome => outcome,
    }
}

/// Removes what a killed run left under the temporary name: an empty directory, ours or already given to `owner`.
fn clear_rest(dir: &OwnedFd, new: &OsStr, owner: u32) -> Result<(), Errno> {
    let is_rest = files::status(dir, new)?
        .is_some_and(|rest| files::kind(&rest) == FileType::Directory && [owner, geteuid().as_raw()].contains(&rest.st_uid));
    if is_rest {
        fs::unlinkat(dir, new, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Makes sure that a directory is as `mkdirat` leaves one.
fn check_fresh(made: &OwnedFd, here: &Path) -> Result<(), InstallError> {
    let status = fs::fstat(made).map_err(failed("examine", here))?;
    let is_ours = status.st_uid == geteuid().as_raw() && (status.st_mode & 0o777) | 0o700 == 0o700;
    if is_ours && files::list(made.as_fd()).map_err(failed("read", here))?.is_empty() {
        return Ok(());
    }
    Err(InstallError::Interference { path: here.to_owned() })
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
        assert!(matches!(check(), Err(InstallError::Interference { .. })));
        set_mode(0o700);
        std::fs::write(directory.path().join("file"), "").unwrap();
        assert!(matches!(check(), Err(InstallError::Interference { .. })));
    }

    #[test]
    fn a_directory_of_another_user_is_not_given_away() {
        if !crate::install::tests::is_root("a_directory_of_another_user_is_not_given_away") {
            return;
        }
        let directory = tempfile::TempDir::new().unwrap();
        std::os::unix::fs::chown(directory.path(), Some(1234), Some(0)).unwrap();
        let opened = std::fs::File::open(directory.path()).unwrap().into();
        assert!(matches!(
            check_fresh(&opened, directory.path()),
            Err(InstallError::Interference { .. })
        ));
    }
}
