//! Handles of macOS: descriptors for reading. A symlink itself is opened with `O_SYMLINK` (open(2)).

use std::{
    ffi::{CString, OsStr},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags, Stat},
    io::{Errno, Result},
};

use crate::system::ids::Ids;

/// Opens the directory at `path`. The caller must be allowed to read it.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty())
}

/// Opens `name` in `dir`, which the caller must be allowed to read. A symlink itself is opened, not its target. Opening a fifo does
/// not block.
pub(crate) fn open(dir: impl AsFd, name: &OsStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::SYMLINK | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::empty())
}

/// The target of the symlink `link`, which was opened as `name` in `dir`. The target is read by the name, because there is no call
/// that reads it from a descriptor on every macOS. A symlink never gets another target, so it is enough that the name leads to this
/// symlink before and after.
///
/// # Errors
///
/// `EAGAIN` if the name has been given to another file meanwhile.
pub(crate) fn target(dir: impl AsFd, name: &OsStr, link: impl AsFd) -> Result<CString> {
    let opened = fs::fstat(link)?;
    let named = || fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW);
    let is_opened = |named: &Stat| (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino);
    let before = named()?;
    let target = fs::readlinkat(&dir, name, Vec::new())?;
    if is_opened(&before) && is_opened(&named()?) {
        Ok(target)
    } else {
        Err(Errno::AGAIN)
    }
}

/// Gives the open symlink `link` itself to `ids`.
pub(crate) fn give(link: impl AsFd, ids: Ids) -> Result<()> {
    fs::fchown(link, Some(ids.user), Some(ids.group))
}
