//! The memory disk of macOS, which has neither ramfs nor tmpfs.

use std::{os::fd::AsFd, path::Path};

use rustix::{
    fs::{self, AtFlags, Stat},
    io::{Errno, Result},
};

use super::{disk, file_system::FileSystem, mount_error::MountError};
use crate::system::{root::Root, status::mode_bits};

/// What messages say of a mount for which [`holds`] says no.
pub(crate) const NOT_IN_MEMORY: &str = "no memory disk of this program";

/// The flag of a mount on which every file belongs to whoever looks at it (`MNT_IGNORE_OWNERSHIP` in sys/mount.h).
const OWNERS_IGNORED: u32 = 0x0020_0000;

/// Makes a memory disk, and mounts it at `at`, whatever `_wanted` says: there is no other file system in memory.
pub(crate) fn mount(_wanted: FileSystem, root: &Root, at: &Path) -> (&'static str, std::result::Result<(), MountError>) {
    (disk::KIND, disk::attach(root, at))
}

/// Changes nothing: macOS cannot change the flags of a mount without making it anew.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn mend(_dir: impl AsFd, _at: &Path) -> Result<Option<Errno>> {
    Ok(None)
}

/// Whether `dir` is the top of a memory disk. The system does not tell a memory disk from another disk, so a disk has to be mounted
/// there, its file system has to be HFS+ (a startup disk is APFS), and it has to contain the file by which this program and sops-nix
/// mark a memory disk.
pub(crate) fn holds(dir: impl AsFd) -> Result<bool> {
    let mut kind = fs::fstatfs(&dir)?.f_fstypename.into_iter().map(i8::cast_unsigned);
    let is_hfs = kind.by_ref().take(4).eq(*b"hfs\0");
    let is_top = fs::fstat(&dir)?.st_dev != parent(&dir)?.st_dev;
    let mark = fs::statat(dir, disk::MARK, AtFlags::SYMLINK_NOFOLLOW);
    Ok(is_hfs && is_top && mark.is_ok())
}

/// Whether every user could read what is in `dir`, whatever owners and modes say: the mount ignores owners, and everybody may enter the
/// directory above it.
pub(crate) fn is_open_to_all(dir: impl AsFd) -> Result<bool> {
    let ignores_owners = fs::fstatfs(&dir)?.f_flags & OWNERS_IGNORED != 0;
    Ok(ignores_owners && mode_bits(&parent(&dir)?) & 0o011 != 0)
}

/// The status of the directory above `dir`.
fn parent(dir: impl AsFd) -> Result<Stat> {
    fs::statat(dir, c"..", AtFlags::empty())
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
