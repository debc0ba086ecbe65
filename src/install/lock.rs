//! One run at a time.
//!
//! The lock is an advisory one on the mount point itself: it leaves no file behind, the kernel drops it when the process ends, and
//! since the directory is not readable by others (0751) no plain user can take it and keep root waiting.

use std::os::fd::{AsFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{self, FlockOperation};
use rustix::io::Errno;

use super::error::{InstallError, failed};
use super::walk::Place;
use super::{Site, files, mount};

/// How long a run waits for another one.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Time between two attempts; there is no lock call with a deadline.
const PAUSE: Duration = Duration::from_millis(10);

/// Makes the mount point, locks it and mounts its file system: in a loop, since the mount covers the directory whose lock we hold.
/// A run that waited for the lower directory finds itself under the new mount, and starts over on top of it: so no two runs mount.
pub(super) fn enter(site: &Site, patience: Duration, warnings: &mut Vec<String>) -> Result<OwnedFd, InstallError> {
    let start = Instant::now();
    let place = mount::make(site)?;
    let mut mounted = None;
    loop {
        let dir = files::open_directory(&place.dir, place.name.as_os_str()).map_err(failed("open", &place.path))?;
        acquire(&dir, &place, start, patience)?;
        if !still_names(&place, &dir)? {
            continue;
        }
        if mount::settle(site, &dir, warnings)? {
            return Ok(dir);
        }
        if let Some(kind) = mounted {
            return Err(InstallError::MountLost {
                mount_point: place.path,
                kind,
            });
        }
        mounted = mount::attach(site, &dir, warnings)?;
        if mounted.is_none() {
            return Ok(dir);
        }
    }
}

/// Waits for the lock until `patience` has passed since `start`.
fn acquire(dir: &OwnedFd, place: &Place, start: Instant, patience: Duration) -> Result<(), InstallError> {
    loop {
        match fs::flock(dir, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if start.elapsed() < patience => sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => {
                return Err(InstallError::Busy {
                    mount_point: place.path.clone(),
                    seconds: patience.as_secs(),
                });
            }
            Err(Errno::INTR) => {}
            other => return other.map_err(failed("lock", &place.path)),
        }
    }
}

/// Whether the name still leads to the directory that we locked, and not to a mount or a directory made since.
fn still_names(place: &Place, dir: &OwnedFd) -> Result<bool, InstallError> {
    let locked = fs::fstat(dir.as_fd()).map_err(failed("examine", &place.path))?;
    let named = files::status(&place.dir, place.name.as_os_str()).map_err(failed("examine", &place.path))?;
    Ok(named.is_some_and(|named| files::same_file(&named, &locked)))
}
