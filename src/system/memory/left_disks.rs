//! Removes memory disks that were made, and then never used.
//!
//! A run that is killed while it makes a disk does not come to remove it. Such a disk is empty, but it stays until somebody detaches it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use rustix::{fs::OFlags, process::geteuid};
use zeroize::Zeroizing;

use super::hdiutil::{self, SIZE};
use crate::system::root::Root;

/// How long a disk has to have been there: 10 minutes. A run that goes on has formatted its disk by then.
const LEAST_AGE: Duration = Duration::from_mins(10);

/// How many bytes of a disk are held at a time: 1 MiB.
const CHUNK: usize = 1 << 20;

/// Detaches the memory disks of this user that are empty. `root` stands for `/`. What cannot be detached stays.
pub(crate) fn remove(root: &Root) {
    for disk in hdiutil::bare_disks(root) {
        if is_left(&root.locate(&disk)).unwrap_or(false) {
            hdiutil::detach(root, &disk, false);
        }
    }
}

/// Whether a disk, by its device, belongs to this user, has been there for long, and is empty: every byte of it is zero, as memory is at
/// first. So nothing is lost with the disk, whoever has made it.
fn is_left(device: &Path) -> io::Result<bool> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let disk = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(device)?;
    let status = disk.metadata()?;
    let is_old = status.modified()?.elapsed().is_ok_and(|age| age >= LEAST_AGE);
    Ok(is_old && status.uid() == geteuid().as_raw() && is_empty(disk)?)
}

/// Whether a disk has [`SIZE`] bytes, and all are zero. What is read is wiped: it may be something else.
fn is_empty(disk: File) -> io::Result<bool> {
    let mut disk = disk.take(SIZE + 1);
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    let zeros = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let count = disk.read(&mut chunk)?;
        if count == 0 {
            return Ok(size == SIZE);
        }
        if chunk.get(..count) != zeros.get(..count) {
            return Ok(false);
        }
        size += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::symlink, time::SystemTime};

    use super::*;

    /// A file of so many zeros in the place of a device, made so long ago.
    fn device(path: &Path, size: u64, age: Duration) -> File {
        let file = File::create(path).unwrap();
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        file
    }

    #[test]
    fn a_disk_is_left_if_it_is_old_and_all_of_it_is_zero() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("disk4");
        for (size, age, expected) in [
            (SIZE, LEAST_AGE, true),
            (SIZE, LEAST_AGE.saturating_sub(Duration::from_mins(1)), false),
            (SIZE - 512, LEAST_AGE, false),
            (SIZE + 512, LEAST_AGE, false),
            (0, LEAST_AGE, false),
        ] {
            device(&path, size, age);
            assert_eq!(is_left(&path).unwrap(), expected, "{size} {age:?}");
        }
        device(&path, SIZE - 1, LEAST_AGE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"x").unwrap();
        file.set_modified(SystemTime::now() - LEAST_AGE).unwrap();
        assert!(!is_left(&path).unwrap());
    }

    #[test]
    fn a_link_in_the_place_of_a_device_and_the_disk_of_another_user_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("disk4"), directory.path().join("disk5"));
        device(&path, SIZE, LEAST_AGE);
        symlink(&path, &link).unwrap();
        assert!(is_left(&link).is_err());
        if geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
            assert!(!is_left(&path).unwrap());
        }
    }
}
