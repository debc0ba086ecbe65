//! Files and directories by descriptor, so that no name that somebody else can change decides where we write; also the mode of
//! directories.

use std::{
    ffi::{CString, OsStr, OsString},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
};

use rustix::{
    fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::{Errno, Result},
    path::Arg,
};

use super::owner::Owner;
use crate::system::mode::FileMode;

/// The mode of the mount point and of all directories in a generation: everybody may pass through, and the group may also list.
pub(crate) const DIRECTORY_MODE: FileMode = FileMode::of_bits(0o751);

/// The most parts of a name. A recursive descent holds one descriptor for each part, and a process may usually have 1,024.
pub(crate) const MAX_DEPTH: usize = 100;

/// A symlink or directory has its name with this suffix until it is renamed to its place.
pub(crate) const NEW: &str = ".sops-new";

/// Longest file name that Linux has, in bytes.
pub(crate) const MAX_NAME: usize = 255;

/// Opens the directory `name` in `dir`, which must not be a symlink.
pub(crate) fn open_directory(dir: impl AsFd, name: impl Arg) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::empty())
}

/// Opens the file `name` in `dir` for reading; a symlink is an error, a fifo does not block.
pub(crate) fn open_file(dir: impl AsFd, name: impl Arg) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::empty())
}

/// Makes the file `name`, which must not exist, and sets its owner and mode before the first byte is written. Until then it has no
/// permission bits, so that nobody else can open it.
pub(crate) fn create_file(dir: impl AsFd, name: impl Arg, owner: Owner, mode: FileMode) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(dir, name, flags, Mode::empty())?;
    secure(&file, owner, mode)?;
    Ok(file)
}

/// Makes the directory `name`, which must not exist, sets its owner and mode, and opens it. Until then it is closed to others.
pub(crate) fn create_directory(dir: impl AsFd + Copy, name: impl Arg + Copy, owner: Owner) -> Result<OwnedFd> {
    fs::mkdirat(dir, name, Mode::RWXU)?;
    let made = open_directory(dir, name)?;
    secure(&made, owner, DIRECTORY_MODE)?;
    Ok(made)
}

/// Sets the owner, and after it the mode: a change of owner clears the set-user-ID and set-group-ID bits (chown(2)).
pub(crate) fn secure(file: impl AsFd + Copy, owner: Owner, mode: FileMode) -> Result<()> {
    if let Some(ids) = owner.to_set()? {
        fs::fchown(file, Some(ids.user), Some(ids.group))?;
    }
    fs::fchmod(file, mode.into())
}

/// The status of `name` itself, symlink or not; `None` when there is nothing.
pub(crate) fn status(dir: impl AsFd, name: impl Arg) -> Result<Option<Stat>> {
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// The kind of file that a status is of.
pub(crate) fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

/// What identifies a file, whatever its path is: device (upper 64 bits) and inode (lower 64 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId(u128);

/// The identity of the file that has this status.
pub(crate) fn identity(status: &Stat) -> FileId {
    FileId(u128::from(status.st_dev) << 64 | u128::from(status.st_ino))
}

/// Whether two statuses are of one file.
pub(crate) fn same_file(one: &Stat, other: &Stat) -> bool {
    identity(one) == identity(other)
}

/// What a directory holds, with the kind of each.
pub(crate) fn list(dir: impl AsFd + Copy) -> Result<Vec<(CString, FileType)>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => status(dir, name)?.map_or(FileType::Unknown, |found| kind(&found)),
            known => known,
        };
        entries.push((name.to_owned(), kind));
    }
    Ok(entries)
}

/// Removes `name` and all below it, following no symlink. Nothing there is fine.
pub(crate) fn remove_tree(dir: impl AsFd + Copy, name: impl Arg + Copy) -> Result<()> {
    remove_below(dir, name, MAX_DEPTH)
}

/// [`remove_tree`], at most `depth` directories deep.
fn remove_below(dir: impl AsFd + Copy, name: impl Arg + Copy, depth: usize) -> Result<()> {
    match fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // It is a directory: the first is what Linux reports, the second is what POSIX demands (unlink(2)).
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(cause) => return Err(cause),
    }
    let depth = depth.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    let inner = open_directory(dir, name)?;
    for (entry, _) in list(inner.as_fd())? {
        remove_below(inner.as_fd(), entry.as_c_str(), depth)?;
    }
    fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// `name` with `suffix` appended. A long name is cut first, so that the result is not too long for a file name.
pub(crate) fn suffixed(name: &OsStr, suffix: &str) -> OsString {
    let room = MAX_NAME.saturating_sub(suffix.len());
    let mut bytes = name.as_bytes().to_vec();
    bytes.truncate(room);
    bytes.extend_from_slice(suffix.as_bytes());
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_fit_into_a_file_name() {
        assert_eq!(suffixed(OsStr::new("key"), NEW), "key.sops-new");
        assert_eq!(suffixed(OsStr::new(&"k".repeat(255)), ".sops-backup").len(), 255);
    }
}
