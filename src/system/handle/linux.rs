//! Handles of Linux: descriptors with `O_PATH`, which need no permission to read.

use std::{
    ffi::{CString, OsStr},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags},
    io::Result,
};

use crate::system::ids::Ids;

/// Opens the directory at `path`, only to look up names in it.
pub(crate) fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty())
}

/// Opens `name` in `dir` with `O_PATH`: a symlink itself is opened, not its target, and no read permission is needed.
pub(crate) fn open(dir: impl AsFd, name: &OsStr) -> Result<OwnedFd> {
    fs::openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// The target of the symlink `link`, which was opened by its name in a directory. The name is needed on other systems.
pub(crate) fn target(_dir: impl AsFd, _name: &OsStr, link: impl AsFd) -> Result<CString> {
    fs::readlinkat(link, c"", Vec::new())
}

/// Gives the open symlink `link` itself to `ids`.
pub(crate) fn give(link: impl AsFd, ids: Ids) -> Result<()> {
    fs::chownat(link, c"", Some(ids.user), Some(ids.group), AtFlags::EMPTY_PATH)
}
