//! Overwrites a copy of a former secret before it is removed.

use std::{
    ffi::OsStr,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, Stat},
    io::{self, Errno},
};

use super::files;
use crate::system::memory;

/// How many zeros are written at a time: 64 KiB.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// Why the content of a removed copy may still be somewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unwiped {
    /// Somebody has given the file another name, so it is not ours alone.
    HasOtherNames,
    /// A system call failed.
    Failed(Errno),
}

/// Removes `name` in `dir`, which is ours. A file is overwritten first, if `is_ours` says so of it once it is open: the owner of the directory
/// may have given its name to another file. Returns why that failed, if it did: to keep the file for that would keep its content for certain.
pub(crate) fn destroy(dir: impl AsFd + Copy, name: &OsStr, is_ours: impl Fn(&Stat) -> bool) -> Result<Option<Unwiped>, Errno> {
    let there = files::status(dir, name)?;
    let is_file = there.is_some_and(|there| files::kind(&there) == FileType::RegularFile);
    let wiped = if is_file { wipe(dir, name, is_ours) } else { Ok(()) };
    if wiped == Err(Unwiped::Failed(Errno::STALE)) {
        return Err(Errno::STALE);
    }
    match fs::unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::NOENT) => {}
        outcome => outcome?,
    }
    Ok(wiped.err())
}

/// Overwrites the file `name` in `dir` with zeros, if `is_ours` says so, and it has no other name. Fails with `ESTALE` if it is not ours.
fn wipe(dir: impl AsFd + Copy, name: &OsStr, is_ours: impl Fn(&Stat) -> bool) -> Result<(), Unwiped> {
    let file = open(dir, name, &is_ours).map_err(Unwiped::Failed)?;
    let status = fs::fstat(&file).map_err(Unwiped::Failed)?;
    if !is_ours(&status) || files::kind(&status) != FileType::RegularFile {
        return Err(Unwiped::Failed(Errno::STALE));
    }
    if status.st_nlink != 1 {
        return Err(Unwiped::HasOtherNames);
    }
    // The name of the file has to be on the disk: a power cut must not bring back an earlier one, with zeros in it. If the disk fails, it is
    // better to overwrite the file all the same.
    if memory::holds(dir) != Ok(true) {
        let _ = files::sync(dir);
    }
    overwrite(&file, u64::try_from(status.st_size).unwrap_or_default()).map_err(Unwiped::Failed)
}

/// Opens the file for writing. A plain user may have declared a mode that does not let this user write it.
fn open(dir: impl AsFd + Copy, name: &OsStr, is_ours: impl Fn(&Stat) -> bool) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = || fs::openat(dir, name, flags, Mode::empty());
    match open() {
        Err(Errno::ACCESS) => {
            let file = files::open_file(dir, name)?;
            if is_ours(&fs::fstat(&file)?) {
                fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
            }
            open()
        }
        outcome => outcome,
    }
}

/// Writes `size` zeros, and waits until they are on the disk.
fn overwrite(file: &OwnedFd, size: u64) -> Result<(), Errno> {
    let mut at = 0;
    while at < size {
        let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
        let zeros = ZEROS.get(..left).unwrap_or(ZEROS);
        let written = io::retry_on_intr(|| io::pwrite(file, zeros, at))?;
        at = at.saturating_add(u64::try_from(written).unwrap_or_default());
    }
    fs::fsync(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_is_meant_is_overwritten() {
        let directory = tempfile::TempDir::new().unwrap();
        let at = directory.path().join("file");
        std::fs::write(&at, "precious").unwrap();
        let dir = std::fs::File::open(directory.path()).unwrap();
        // The owner of the directory has given the name to this file, after somebody looked at it.
        let refused = destroy(&dir, OsStr::new("file"), |_| false);
        assert_eq!(refused, Err(Errno::STALE));
        assert_eq!(std::fs::read_to_string(&at).unwrap(), "precious");
        let held = std::fs::read(&at).unwrap();
        assert_eq!(destroy(&dir, OsStr::new("file"), |file| file.st_size == 8), Ok(None));
        assert!(!at.exists() && held == b"precious");
    }
}
