//! The texts that checks look at: rendered templates that are not published yet.
//!
//! Each run has a directory of its own for them, `.checking.<N>`, beside the generations, and so on the same file system in memory. As long
//! as the run lives, it has a lock (flock(2)) on its directory, and not the lock of the installation: no other run waits for checks. A
//! directory that nobody has locked is left of a killed run. Directories are locked and looked for under the lock of the installation, so
//! nobody sees one that is made and not locked yet.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FlockOperation, Mode},
    io::Errno,
};

use super::{
    error::{InstallError, errno, failed},
    files,
    grounds::Grounds,
    links,
    live::Current,
    lock, mount,
    site::{Site, is_checking},
};
use crate::system::{budget, mode::FileMode};

/// Only its owner may read a text.
const MODE: FileMode = FileMode::of_bits(0o400);

/// How many bytes of a text are wiped at a time: 4 KiB.
const CHUNK: usize = 4096;

/// The directory of this run, which only this user can enter. It is removed when the value is dropped.
pub(crate) struct Checking<'a> {
    site: &'a Site,
    /// The mount point.
    root: OwnedFd,
    /// The name of the directory in the mount point.
    name: String,
    /// The directory, locked.
    dir: OwnedFd,
}

/// A text in a file. When the value is dropped, the text is wiped and the file is removed.
pub(crate) struct UncheckedText<'a> {
    dir: &'a OwnedFd,
    name: &'a str,
    path: PathBuf,
    file: File,
    length: usize,
}

impl<'a> Checking<'a> {
    /// Makes the directory, and mounts the file system of the generations if none is mounted.
    ///
    /// # Errors
    ///
    /// The errors of a publication before its first write, or if the directory cannot be made.
    pub(crate) fn begin(site: &'a Site) -> Result<Self, InstallError> {
        links::check(site)?;
        Grounds::look(site, None)?;
        let entered = lock::enter(site, budget::LOCK)?;
        // Another descriptor, because the lock may be on that one.
        let root = files::open_directory(&entered.root, c".").map_err(failed("open", &site.mount_point))?;
        // A directory over which nothing could be mounted is closed to others until a generation is live in it: they could lock it.
        if !mount::inspect(site, &root)? && Current::read(site, &root)?.live.is_none() {
            mount::shut(site, &root)?;
        }
        let mut number = 1_u64;
        loop {
            let name = format!(".checking.{number}");
            let at = site.mount_point.join(&name);
            match fs::mkdirat(&root, name.as_str(), Mode::RWXU) {
                // Another run is busy there, or was killed and is not cleared away yet.
                Err(Errno::EXIST) => number = number.saturating_add(1),
                made => {
                    made.map_err(failed("make", &at))?;
                    let dir = locked(&root, &name).inspect_err(|_| {
                        let _ = files::remove_tree(root.as_fd(), name.as_str());
                    });
                    let dir = dir.map_err(failed("lock", &at))?;
                    return Ok(Self { site, root, name, dir });
                }
            }
        }
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.site.mount_point.join(&self.name)
    }

    /// Writes `text` to a file with this name, which must be a single name.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write<'t>(&'t self, name: &'t str, text: &[u8]) -> Result<UncheckedText<'t>, InstallError> {
        let path = self.path().join(name);
        // A check before may have left a file of this name.
        files::remove_tree(self.dir.as_fd(), name).map_err(failed("remove", &path))?;
        let file = files::create_file(&self.dir, name, self.site.file_owner(), MODE).map_err(failed("create", &path))?;
        let mut unchecked = UncheckedText {
            dir: &self.dir,
            name,
            path,
            file: File::from(file),
            length: text.len(),
        };
        let outcome = unchecked.file.write_all(text);
        outcome.map_err(|error| failed("write", &unchecked.path)(errno(&error)))?;
        Ok(unchecked)
    }
}

/// Opens the directory `name` in `root`, and locks it.
fn locked(root: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let dir = files::open_directory(root, name)?;
    fs::flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
    Ok(dir)
}

impl Drop for Checking<'_> {
    /// Errors are ignored: the next run removes what is left.
    fn drop(&mut self) {
        let _ = files::remove_tree(self.root.as_fd(), self.name.as_str());
    }
}

impl UncheckedText<'_> {
    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for UncheckedText<'_> {
    /// A process that has left the process group of its check may still have the file open. It must find nothing in it.
    fn drop(&mut self) {
        let zeros = [0; CHUNK];
        let mut left = self.length;
        let mut is_well = self.file.rewind().is_ok();
        while is_well && left > 0 {
            let count = left.min(CHUNK);
            is_well = self.file.write_all(zeros.get(..count).unwrap_or_default()).is_ok();
            left = left.saturating_sub(count);
        }
        let _ = self.file.set_len(0);
        let _ = files::remove_tree(self.dir.as_fd(), self.name);
    }
}

/// Removes the directories of killed runs. What cannot be removed now is left to the next run. A mount point that cannot be opened has an
/// error of its own.
pub(crate) fn clear_away(site: &Site) -> Result<(), InstallError> {
    let Ok(Some(root)) = mount::open(site) else {
        return Ok(());
    };
    let fail = |cause| failed("remove what a killed run has left in", &site.mount_point)(cause);
    if directories(&root).map_err(fail)?.is_empty() {
        return Ok(());
    }
    let Some(_lock) = lock::take_soon(&root, lock::PATIENCE).map_err(fail)? else {
        return Ok(());
    };
    for name in directories(&root).map_err(fail)? {
        match locked(&root, &name) {
            Ok(_dir) => files::remove_tree(root.as_fd(), name.as_str()).map_err(fail)?,
            // Its run is alive, or has just removed it.
            Err(Errno::WOULDBLOCK | Errno::NOENT) => {}
            Err(cause) => return Err(fail(cause)),
        }
    }
    Ok(())
}

/// The names of the directories of runs in the mount point.
fn directories(root: &OwnedFd) -> Result<Vec<String>, Errno> {
    let names = files::list(root.as_fd())?
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok());
    Ok(names.filter(|name| is_checking(name)).collect())
}
