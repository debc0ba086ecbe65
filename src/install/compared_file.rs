//! Compares a file with an entry, and with another file.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{self, FileType, Stat},
    io::Errno,
};

use zeroize::Zeroizing;

use super::{entry::Entry, error::errno, files};
use crate::system::{access_list, mode::FileMode};

/// How many bytes of two files are held in memory at a time while they are compared: 64 KiB.
const CHUNK: usize = 64 * 1024;

/// Whether the open `file` has the content, the owner and the mode of `entry`, and no access control list. `knows_access_lists` says whether
/// it can have one. `scratch` is the buffer for one part, and must not be empty.
pub(crate) fn is_that_of(file: OwnedFd, entry: &Entry<'_>, knows_access_lists: bool, scratch: &mut [u8]) -> Result<bool, Errno> {
    let status = fs::fstat(&file)?;
    Ok(entry.owner.has(&status)
        && files::kind(&status) == FileType::RegularFile
        && FileMode::of(&status) == entry.mode
        && !(knows_access_lists && access_list::is_on_file(&file)?)
        && u64::try_from(status.st_size) == u64::try_from(entry.content.len())
        && same_content(&mut File::from(file), entry.content, scratch).map_err(|error| errno(&error))?)
}

/// Whether `file`, which is as long as `expected`, has that content. Stops reading at the first difference.
fn same_content(file: &mut File, mut expected: &[u8], scratch: &mut [u8]) -> io::Result<bool> {
    while !expected.is_empty() {
        let count = file.read(scratch)?;
        match expected.split_at_checked(count) {
            Some((head, tail)) if count != 0 && scratch.get(..count) == Some(head) => expected = tail,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether the file at `path`, which may be read, is a copy of the file at `own`. A symlink at `path` is none.
///
/// # Errors
///
/// If one of the two is missing or cannot be read.
pub fn is_copy_of(path: &Path, own: &Path) -> io::Result<bool> {
    let file = files::open_file(fs::CWD, path)?;
    Ok(are_alike(file, File::open(own)?.into())?)
}

/// Whether two files are the same: content, owner, group and mode.
pub(crate) fn are_alike(one: OwnedFd, other: OwnedFd) -> Result<bool, Errno> {
    let (this, that) = (fs::fstat(&one)?, fs::fstat(&other)?);
    let properties = |status: &Stat| (status.st_mode, status.st_uid, status.st_gid, status.st_size);
    if files::same_file(&this, &that) {
        return Ok(true);
    }
    if properties(&this) != properties(&that) || files::kind(&this) != FileType::RegularFile {
        return Ok(false);
    }
    has_same_content(File::from(one), File::from(other))
}

/// Whether two files have the same content.
fn has_same_content(one: File, other: File) -> Result<bool, Errno> {
    let mut buffers = [one, other].map(|file| (file, Zeroizing::new(Vec::with_capacity(CHUNK))));
    loop {
        for (file, buffer) in &mut buffers {
            buffer.clear();
            let read = file.by_ref().take(CHUNK as u64).read_to_end(buffer);
            read.map_err(|error| errno(&error))?;
        }
        let [(_, one), (_, other)] = &buffers;
        if one.as_slice() != other.as_slice() {
            return Ok(false);
        }
        if one.is_empty() {
            return Ok(true);
        }
    }
}
