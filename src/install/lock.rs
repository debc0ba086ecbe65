//! The lock that allows only one run at a time to publish.
//!
//! The lock is an advisory lock (flock(2)) on the file `.lock` in the mount point. Every user who can open a file can also lock
//! it, but another user must not be able to make root wait. So the file has mode 0600. The mount point itself is not locked,
//! because its group can open it.
//!
//! Two runs must not mount at the same time either. So before a run mounts, it locks the lower directory: the directory that the
//! mount will cover. The lower directory has mode 0700 until the mount, so that no other user can lock it.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::{
    fs::{self, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
    process::geteuid,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files,
    live::{Current, steady},
    mount::{self, Attached},
    site::{Site, Store},
};
use crate::{
    system::{locks, progress::Progress, root::Root, stop},
    text::printable::shown,
};

/// The pause between two attempts to take the lock: 10 ms. The attempts are needed because flock(2) cannot wait with a deadline.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a run waits for the lock to write what it can do without: 2 seconds, far longer than a publication takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The name of the lock file in the mount point.
pub(crate) const NAME: &str = ".lock";

/// The open mount point, with its lock held. No other run can publish until this value is dropped.
pub(crate) struct Entered {
    /// The directory that holds the generations. If this run was not allowed to mount, this directory itself is locked too, so that
    /// no other run mounts over it.
    pub root: OwnedFd,
    /// Warnings about the mount point, such as secrets that may be written to swap.
    pub warnings: Vec<String>,
    /// The descriptor of the lock file. Closing the descriptor releases the lock.
    _lock: OwnedFd,
}

/// Makes the mount point, mounts its file system if none is mounted, and takes the lock. While this run waits for a lock, another run
/// may mount over the directory or replace it. In that case, this run starts over with the new directory.
pub(crate) fn enter(site: &Site, timeout: Duration) -> Result<Entered, InstallError> {
    let place = mount::make(site)?;
    let mut wait = Wait {
        root: &site.root,
        place: &place,
        link: &site.link,
        start: Instant::now(),
        progress: Progress::about("another run".to_owned()),
        timeout,
    };
    let mut mounted = None;
    loop {
        let dir = files::open_directory(&place.dir, place.name.as_os_str()).map_err(|cause| mount::unopened(site, cause))?;
        let settled = match mount::settle(site, &dir)? {
            None => stay(site, &dir)?,
            settled => settled,
        };
        let warnings = if let Some(warnings) = settled {
            warnings
        } else {
            // This run has already mounted a file system, but the file system is not seen at the mount point.
            if let Some(kind) = mounted {
                return Err(InstallError::mount_lost(&place.path, kind));
            }
            // Nothing is mounted here yet. The run that locks the lower directory is the run that mounts.
            mount::close(site, &dir)?;
            wait.acquire(&dir, &place.path)?;
            if !wait.still_names(&dir)? || stay(site, &dir)?.is_some() {
                // While this run waited, another run has mounted or published here.
                wait.check(&place.path, None)?;
                continue;
            }
            match mount::attach(site, &dir)? {
                Attached::Mounted(kind) => {
                    mounted = Some(kind);
                    continue;
                }
                Attached::InMemory(warnings) => warnings,
            }
        };
        if let Some(lock) = wait.lock(&dir)? {
            return Ok(Entered {
                root: dir,
                warnings,
                _lock: lock,
            });
        }
    }
}

/// Takes the lock in the mount point `dir` for a short write, or gives up if another run holds the lock as long as `timeout`.
pub(crate) fn take_soon(dir: &OwnedFd, timeout: Duration) -> Result<Option<OwnedFd>, Errno> {
    let start = Instant::now();
    let Some(lock) = open(dir)? else { return Ok(None) };
    loop {
        match fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(lock)),
            Err(Errno::WOULDBLOCK) if start.elapsed() < timeout => sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// Decides whether this run must publish into `dir` itself, without a mount. That is necessary if an earlier run could not mount
/// and has published into `dir`, because a mount would hide the generation that is live there. If so, returns the warnings about
/// `dir`. Otherwise, returns `None`.
fn stay(site: &Site, dir: &OwnedFd) -> Result<Option<Vec<String>>, InstallError> {
    if site.store == Store::Directory || steady(site, || Current::read(site, dir))?.live.is_none() {
        return Ok(None);
    }
    mount::stay(site, dir)
}

/// A wait for other runs. All attempts to take a lock share one deadline.
struct Wait<'a> {
    /// The root of the file system.
    root: &'a Root,
    /// The place of the mount point.
    place: &'a Destination,
    /// The path of the link to the live generation, for messages.
    link: &'a Path,
    /// The moment at which the wait began.
    start: Instant,
    /// Says what is waited for.
    progress: Progress,
    /// How long this run waits at most.
    timeout: Duration,
}

impl Wait<'_> {
    /// Locks the lock file in `dir`, a directory that only this user can change. Returns `None` if the lock file or `dir` was
    /// replaced meanwhile. In that case, the caller starts over.
    fn lock(&mut self, dir: &OwnedFd) -> Result<Option<OwnedFd>, InstallError> {
        let at = self.place.path.join(NAME);
        if let Some(lock) = open(dir).map_err(failed("open the lock", &at))? {
            self.acquire(&lock, &at)?;
            // The lock counts only if the locked file still has the name [`NAME`] in `dir`. Otherwise another run may hold a lock
            // on a newer file of this name.
            let held = fs::fstat(&lock).map_err(failed("examine", &at))?;
            let named = files::status(dir, NAME).map_err(failed("examine", &at))?;
            if named.is_some_and(|named| files::same_file(&named, &held)) && self.still_names(dir)? {
                return Ok(Some(lock));
            }
        }
        self.check(&at, None).map(|()| None)
    }

    /// Waits until the lock on `file` is taken. `at` is the path of `file`, for messages.
    fn acquire(&mut self, file: &OwnedFd, at: &Path) -> Result<(), InstallError> {
        loop {
            match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => self.check(at, Some(file))?,
                Err(Errno::INTR) => {}
                other => return other.map_err(failed("lock", at)),
            }
        }
    }

    /// Pauses before the next attempt to take a lock. Fails if the deadline has passed, or if this run was told to end. `lock` is the
    /// path of the file or directory to lock. `file` is given if another process holds the lock, so that the error can name that
    /// process.
    fn check(&mut self, lock: &Path, file: Option<&OwnedFd>) -> Result<(), InstallError> {
        if stop::is_requested() {
            return Err(InstallError::stopped(self.link));
        }
        if self.start.elapsed() >= self.timeout {
            return Err(InstallError::busy(
                &self.place.path,
                lock,
                file.and_then(|file| holder(self.root, file)),
                self.timeout.as_secs(),
            ));
        }
        let root = self.root;
        self.progress.glance_with(|| {
            let process = file.and_then(|file| holder(root, file));
            let process = process.map(|process| format!(", process {process},"));
            format!("{} which holds the lock {}", process.unwrap_or_default(), shown(lock))
        });
        sleep(PAUSE);
        Ok(())
    }

    /// Whether the path of the mount point still leads to `dir`, and not to a newer mount or directory.
    fn still_names(&self, dir: &OwnedFd) -> Result<bool, InstallError> {
        let examine = || failed("examine", &self.place.path);
        let held = fs::fstat(dir.as_fd()).map_err(examine())?;
        let named = files::status(&self.place.dir, self.place.name.as_os_str()).map_err(examine())?;
        Ok(named.is_some_and(|named| files::same_file(&named, &held)))
    }
}

/// The process that holds the lock on `file`. `None` if the kernel does not name that process, for example because it is in another
/// PID namespace. Also `None` if the process that took the lock has ended, and only a child of it still holds the lock: the number
/// of a process that has ended is of no use in a message.
fn holder(root: &Root, file: &OwnedFd) -> Option<u32> {
    let holder = locks::holder(root, &fs::fstat(file).ok()?)?;
    (holder != 0 && root.process(holder).exists()).then_some(holder)
}

/// Opens the lock file, or makes it with mode 0600 if it is missing. If other users can open the existing file, somebody made it
/// before `dir` was closed to them. In that case, the file is removed, and `None` is returned.
fn open(dir: &OwnedFd) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(dir, NAME, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Some(file),
        Err(Errno::LOOP | Errno::ISDIR | Errno::ACCESS | Errno::NXIO) => None,
        Err(cause) => return Err(cause),
    };
    if let Some(file) = file {
        let status = fs::fstat(&file)?;
        let is_closed = status.st_uid == geteuid().as_raw() && (status.st_mode & 0o777) | 0o600 == 0o600;
        if is_closed && files::kind(&status) == FileType::RegularFile {
            return Ok(Some(file));
        }
    }
    files::remove_tree(dir.as_fd(), NAME).map(|()| None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        install::{homes::Homes, parents},
        system::budget,
    };

    #[test]
    fn a_run_whose_directory_was_replaced_starts_over_until_its_time_is_up() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().canonicalize().unwrap().join("secrets.d");
        std::fs::create_dir(&path).unwrap();
        let root = Root::new("/");
        let place = parents::reach(&root, &path, Homes::Unknown).unwrap();
        let dir = files::open_directory(&place.dir, "secrets.d").unwrap();
        std::fs::rename(&path, path.with_file_name("aside")).unwrap();
        std::fs::create_dir(&path).unwrap();
        let outcome = |timeout| {
            let start = Instant::now();
            Wait {
                root: &root,
                place: &place,
                link: Path::new("/run/secrets"),
                start,
                progress: Progress::silent(),
                timeout,
            }
            .lock(&dir)
        };
        assert!(matches!(outcome(budget::LOCK), Ok(None)));
        let busy = outcome(Duration::ZERO).unwrap_err().to_string();
        assert!(busy.contains("is locked by another run"), "{busy}");
    }
}
