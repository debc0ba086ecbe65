//! One run at a time.
//!
//! The lock is an advisory one on the file `.lock` in the mount point. The file is ours alone (0600): whoever may list the mount
//! point, as its group may, can open the directory and lock that, and must not be able to keep root waiting.
//!
//! Mounting itself needs a lock from before there is a mount: the lower directory is locked for that, and closed to all others (0700)
//! until then.

use std::{
    fs::read_to_string,
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
    live::Current,
    mount::{self, Attached},
    site::{Site, Store},
};
use crate::system::stop;

/// Time between two attempts; there is no lock call with a deadline.
const PAUSE: Duration = Duration::from_millis(10);

/// Name of the lock in the mount point.
pub(crate) const NAME: &str = ".lock";

/// The open mount point. No other run enters while it is held.
pub(crate) struct Entered {
    /// The directory that generations lie in. Where we would have mounted and could not it is locked itself, so that nobody else
    /// mounts there meanwhile.
    pub root: OwnedFd,
    /// What somebody should know about it.
    pub warnings: Vec<String>,
    /// The locked file.
    _lock: OwnedFd,
}

/// Makes the mount point, mounts its file system if there is none, and locks it: in a loop, since whoever waits for a lock may find
/// the directory covered or replaced, and starts over on what is there now.
pub(crate) fn enter(site: &Site, timeout: Duration) -> Result<Entered, InstallError> {
    let place = mount::make(site)?;
    let wait = Wait {
        place: &place,
        link: &site.link,
        start: Instant::now(),
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
            if let Some(kind) = mounted {
                return Err(InstallError::MountLost {
                    mount_point: place.path,
                    kind,
                });
            }
            mount::close(site, &dir)?;
            wait.acquire(&dir, &place.path)?;
            if !wait.still_names(&dir)? || stay(site, &dir)?.is_some() {
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

/// The warnings about `dir`, if an earlier run could not mount and published into it. A mount over it would hide what is live.
fn stay(site: &Site, dir: &OwnedFd) -> Result<Option<Vec<String>>, InstallError> {
    if site.store == Store::Directory || Current::read(site, dir)?.live.is_none() {
        return Ok(None);
    }
    mount::stay(site, dir)
}

/// Waiting for other runs, with one deadline for all of it.
struct Wait<'a> {
    /// The mount point.
    place: &'a Destination,
    /// The link to the live generation.
    link: &'a Path,
    /// When we came.
    start: Instant,
    /// How long we wait.
    timeout: Duration,
}

impl Wait<'_> {
    /// Locks the file in `dir`, which belongs to us. `None` when either is no longer what its name stands for: start over.
    fn lock(&self, dir: &OwnedFd) -> Result<Option<OwnedFd>, InstallError> {
        let at = self.place.path.join(NAME);
        if let Some(lock) = open(dir).map_err(failed("open the lock", &at))? {
            self.acquire(&lock, &at)?;
            let held = fs::fstat(&lock).map_err(failed("examine", &at))?;
            let named = files::status(dir, NAME).map_err(failed("examine", &at))?;
            if named.is_some_and(|named| files::same_file(&named, &held)) && self.still_names(dir)? {
                return Ok(Some(lock));
            }
        }
        self.check(&at, None).map(|()| None)
    }

    /// Waits for the lock on `file`.
    fn acquire(&self, file: &OwnedFd, at: &Path) -> Result<(), InstallError> {
        loop {
            match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => self.check(at, Some(file))?,
                Err(Errno::INTR) => {}
                other => return other.map_err(failed("lock", at)),
            }
        }
    }

    /// Pauses before the next attempt, unless we have waited long enough, or are told to end: for who has locked `file`, or for a name to
    /// settle.
    fn check(&self, lock: &Path, file: Option<&OwnedFd>) -> Result<(), InstallError> {
        if stop::is_requested() {
            return Err(InstallError::Stopped {
                link: self.link.to_owned(),
            });
        }
        if self.start.elapsed() >= self.timeout {
            return Err(InstallError::Busy {
                mount_point: self.place.path.clone(),
                lock: lock.to_owned(),
                holder: file.and_then(holder),
                seconds: self.timeout.as_secs(),
            });
        }
        sleep(PAUSE);
        Ok(())
    }

    /// Whether the name still leads to `dir`, and not to a mount or a directory made since.
    fn still_names(&self, dir: &OwnedFd) -> Result<bool, InstallError> {
        let examine = || failed("examine", &self.place.path);
        let held = fs::fstat(dir.as_fd()).map_err(examine())?;
        let named = files::status(&self.place.dir, self.place.name.as_os_str()).map_err(examine())?;
        Ok(named.is_some_and(|named| files::same_file(&named, &held)))
    }
}

/// The process that has locked `file`, if the kernel tells: it does not where that process is in a world of its own.
fn holder(file: &OwnedFd) -> Option<u32> {
    let status = fs::fstat(file).ok()?;
    let (major, minor) = (fs::major(status.st_dev), fs::minor(status.st_dev));
    let locks = read_to_string("/proc/locks").ok()?;
    let holder = holder_in(&locks, &format!("{major:02x}:{minor:02x}:{}", status.st_ino))?;
    // Who took it may have ended, and left it to a child.
    Path::new(&format!("/proc/{holder}")).exists().then_some(holder)
}

/// Who has locked `file` (`major:minor:inode`, the first two hexadecimal), going by the text of `/proc/locks`, `proc_locks`(5). Those who
/// wait have an arrow in their line.
fn holder_in(locks: &str, file: &str) -> Option<u32> {
    let holds = |line: &&str| line.split_whitespace().nth(5) == Some(file) && !line.contains("->");
    let process = locks.lines().find(holds)?.split_whitespace().nth(4)?.parse().ok()?;
    (process != 0).then_some(process)
}

/// Opens the lock, made if it is missing. What others could open, left there from before the directory was ours, is removed: `None`.
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
    fn who_holds_a_lock_is_told_from_who_waits_for_it() {
        let locks = "1: FLOCK  ADVISORY  WRITE 7 00:1a:5 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 8 00:1a:5 0 EOF\n\
                     2: POSIX  ADVISORY  READ 9 08:01:55 128 128\n\
                     3: FLOCK  ADVISORY  WRITE 0 00:1a:6 0 EOF\n";
        assert_eq!(holder_in(locks, "00:1a:5"), Some(7));
        assert_eq!(holder_in(locks, "00:1a:6"), None, "a process that we cannot see");
        assert_eq!(holder_in(locks, "00:1a:55"), None);
    }

    #[test]
    fn a_run_whose_directory_was_replaced_starts_over_until_its_time_is_up() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().canonicalize().unwrap().join("secrets.d");
        std::fs::create_dir(&path).unwrap();
        let place = parents::reach(&path, Homes::Unknown).unwrap();
        let dir = files::open_directory(&place.dir, "secrets.d").unwrap();
        std::fs::rename(&path, path.with_file_name("aside")).unwrap();
        std::fs::create_dir(&path).unwrap();
        let outcome = |timeout| {
            let start = Instant::now();
            Wait {
                place: &place,
                link: Path::new("/run/secrets"),
                start,
                timeout,
            }
            .lock(&dir)
        };
        assert!(matches!(outcome(budget::LOCK), Ok(None)));
        assert!(matches!(outcome(Duration::ZERO), Err(InstallError::Busy { .. })));
    }
}
