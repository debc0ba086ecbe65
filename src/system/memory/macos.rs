//! The memory disk of macOS, which stands for the file systems in memory of Linux.

use std::{os::fd::AsFd, path::Path};

use rustix::{
    fs,
    io::{Errno, Result},
};

use super::{disk, disk_top, file_system::FileSystem, mount_error::MountError};
use crate::system::root::Root;

/// What messages say of a mount for which [`holds`] says no.
pub(crate) const NOT_IN_MEMORY: &str = "no memory disk of this program";

/// Makes a memory disk, and mounts it at `at`, whatever `_wanted` says: there is no other file system in memory.
pub(crate) fn mount(_wanted: FileSystem, root: &Root, at: &Path) -> (&'static str, std::result::Result<(), MountError>) {
    (disk::KIND, disk::attach(root, at))
}

/// Changes nothing: macOS cannot change the flags of a mount without making it anew.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn mend(_dir: impl AsFd, _at: &Path) -> Result<Option<Errno>> {
    Ok(None)
}

/// Whether `dir` is the top of a memory disk.
pub(crate) fn holds(dir: impl AsFd) -> Result<bool> {
    let kind = fs::fstatfs(&dir)?.f_fstypename.map(i8::cast_unsigned);
    disk_top::is_memory_disk(dir, &kind)
}

/// Nothing is remembered on macOS, so nobody needs to know a memory disk again.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn instance(_dir: impl AsFd) -> Result<Option<String>> {
    Ok(None)
}

/// Whether every user could read what is in `dir`, whatever owners and modes say.
pub(crate) fn is_open_to_all(dir: impl AsFd) -> Result<bool> {
    let flags = fs::fstatfs(&dir)?.f_flags;
    disk_top::is_open_to_all(dir, flags)
}

/// Whether what is in `_dir` may be written to swap in plain text. macOS encrypts its swap.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn may_be_swapped(_root: &Root, _dir: impl AsFd) -> Result<bool> {
    Ok(false)
}

/// What to do about secrets that may be written to swap: nothing, and it is never said.
pub(crate) fn swap_remedy() -> &'static str {
    ""
}

/// Whether a file system is mounted at `_path` itself. macOS tells this only when the path is to be replaced: rename(2) fails.
pub(crate) fn is_mounted_over(_path: &Path) -> bool {
    false
}
