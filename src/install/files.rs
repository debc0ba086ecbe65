//! Opens, makes and removes files and directories by descriptor; also defines the mode of the directories in a generation.
//!
//! A file is given by an open directory and a single name in that directory, and no symlink is followed. So another user's renames
//! cannot redirect a write.

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
use crate::system::{mode::FileMode, status::device};

/// The mode of the mount point, and of the directories in a generation that have no mode of their own. Everybody may pass through such a
/// directory. Only the owner and the group may list it.
pub(crate) const DIRECTORY_MODE: FileMode = FileMode::of_bits(0o751);

/// Limit: a name has at most 100 parts. A recursive descent holds one descriptor for each part. With this limit, the descent stays
/// far below the 1,024 descriptors that a process may usually have.
pub(crate) const MAX_DEPTH: usize = 100;

/// The suffix of a temporary name. A symlink or directory has this suffix until it is renamed to its place.
pub(crate) const NEW: &str = ".sops-new";

/// Limit of Linux: a file name has at most 255 bytes.
pub(crate) const MAX_NAME: usize = 255;

/// Opens the directory `name` in `dir` for reading. A symlink is an error.
pub(crate) fn open_directory(dir: impl AsFd, name: impl Arg) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::empty())
}

/// Opens the file `name` in `dir` for reading. A symlink is an error. Opening a fifo does not block.
pub(crate) fn open_file(dir: impl AsFd, name: impl Arg) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::empty())
}

/// Makes the file `name`, and sets its owner and mode before the first byte is written. An existing file is an error. Until the mode
/// is set, the file has no permission bits, so nobody else can open it.
pub(crate) fn create_file(dir: impl AsFd, name: impl Arg, owner: Owner, mode: FileMode) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(dir, name, flags, Mode::empty())?;
    secure(&file, owner, mode)?;
    Ok(file)
}

/// Makes the directory `name`, sets its owner and mode, and opens it. An existing directory is an error. Until the mode is set, only
/// the caller can open the directory.
pub(crate) fn create_directory(dir: impl AsFd + Copy, name: impl Arg + Copy, owner: Owner) -> Result<OwnedFd> {
    let made = create_closed_directory(dir, name)?;
    secure(&made, owner, DIRECTORY_MODE)?;
    Ok(made)
}

/// Makes the directory `name`, and opens it. Only the caller can open the directory. An existing directory is an error.
pub(crate) fn create_closed_directory(dir: impl AsFd + Copy, name: impl Arg + Copy) -> Result<OwnedFd> {
    fs::mkdirat(dir, name, Mode::RWXU)?;
    open_directory(dir, name)
}

/// Sets owner and mode of an open file. The owner comes first, because a change of owner clears the set-user-ID and set-group-ID bits
/// (chown(2)).
pub(crate) fn secure(file: impl AsFd + Copy, owner: Owner, mode: FileMode) -> Result<()> {
    if let Some(ids) = owner.to_set()? {
        fs::fchown(file, Some(ids.user), Some(ids.group))?;
    }
    fs::fchmod(file, mode.into())
}

/// The status of `name` in `dir`; `None` if the name does not exist. If `name` is a symlink, this is the status of the symlink
/// itself, not of its target.
pub(crate) fn status(dir: impl AsFd, name: impl Arg) -> Result<Option<Stat>> {
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// The kind of file that `status` describes.
pub(crate) fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

/// The identity of a file, which does not depend on its path: device number (upper 64 bits) and inode number (lower 64 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId(u128);

/// The identity of the file that `status` describes.
pub(crate) fn identity(status: &Stat) -> FileId {
    FileId(u128::from(device(status)) << 64 | u128::from(status.st_ino))
}

/// Whether two statuses describe the same file.
pub(crate) fn same_file(one: &Stat, other: &Stat) -> bool {
    identity(one) == identity(other)
}

/// The names in a directory, without `.` and `..`, and the kind of file that each name has.
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

/// Waits until the names in `dir` are on the disk, so that a power cut does not bring earlier ones back.
pub(crate) fn sync(dir: impl AsFd) -> Result<()> {
    let dir = match open_directory(dir, c".") {
        // The directory itself was removed.
        Err(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    match fs::fsync(dir) {
        // Some file systems have nothing to wait for.
        Err(Errno::INVAL) => Ok(()),
        outcome => outcome,
    }
}

/// Removes `name` in `dir` and everything below. Follows no symlink. A missing name is no error.
pub(crate) fn remove_tree(dir: impl AsFd + Copy, name: impl Arg + Copy) -> Result<()> {
    remove_below(dir, name, MAX_DEPTH)
}

/// Does what [`remove_tree`] does, at most `depth` directories deep.
fn remove_below(dir: impl AsFd + Copy, name: impl Arg + Copy, depth: usize) -> Result<()> {
    match fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // The name is a directory. Linux reports this as `EISDIR`; POSIX demands `EPERM` (unlink(2)).
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(cause) => return Err(cause),
    }
    let depth = depth.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    // The directory is opened relative to its parent and without following a symlink. So a symlink that somebody puts here meanwhile
    // is never entered.
    let inner = open_directory(dir, name)?;
    for (entry, _) in list(inner.as_fd())? {
        remove_below(inner.as_fd(), entry.as_c_str(), depth)?;
    }
    fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// Appends `suffix` to `name`. A long name is cut first, so that the result has at most [`MAX_NAME`] bytes.
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
