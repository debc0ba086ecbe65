//! The memory disk of macOS, which has neither ramfs nor tmpfs.

use std::{os::fd::AsFd, path::Path};

use rustix::{
    fs::{self, AtFlags},
    io::{Errno, Result},
};

use super::{disk, file_system::FileSystem, mount_error::MountError};
use crate::system::root::Root;

/// Makes a memory disk, and mounts it at `at`, whatever `_wanted` says: there is no other file system in memory.
pub(crate) fn mount(_wanted: FileSystem, root: &Root, at: &Path) -> (&'static str, std::result::Result<(), MountError>) {
    (disk::KIND, disk::attach(root, at))
}

/// Changes nothing: macOS cannot change the flags of a mount without making it anew.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn mend(_dir: impl AsFd, _at: &Path) -> Result<Option<Errno>> {
    Ok(None)
}

/// Whether `dir` is the top of a memory disk. The system does not tell a memory disk from another disk, so the file system has to be
/// HFS+ (a startup disk is APFS), and to contain the file by which this program and sops-nix mark a memory disk.
pub(crate) fn holds(dir: impl AsFd) -> Result<bool> {
    let status = fs::fstatfs(&dir)?;
    let mut kind = status.f_fstypename.iter().map(|letter| letter.cast_unsigned());
    let is_hfs = kind.by_ref().take(4).eq(*b"hfs\0");
    let mark = fs::statat(dir, disk::MARK, AtFlags::SYMLINK_NOFOLLOW);
    Ok(is_hfs && mark.is_ok())
}

/// Whether what is in `_dir` may be written to swap in plain text. macOS encrypts its swap.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn may_be_swapped(_root: &Root, _dir: impl AsFd) -> Result<bool> {
    Ok(false)
}

/// What to do about secrets that may be written to swap. This is never said.
pub(crate) fn swap_remedy() -> &'static str {
    "restart the machine"
}

/// Whether a file system is mounted at `_path` itself. macOS tells this only when the path is to be replaced: rename(2) fails.
pub(crate) fn is_mounted_over(_path: &Path) -> bool {
    false
}
