//! Opens the ledger of a site, with its lock or without it.

use std::{iter, os::fd::OwnedFd, path::Path};

use rustix::{fs, process::geteuid};

use super::{
    error::{InstallError, failed},
    files,
    homes::Homes,
    ledger::{self, Ledger},
    lock, parents, walk, writers,
};
use crate::system::{budget, root::Root};

/// Opens the ledger `path`, and takes its lock. If there is none, it is made if it `is_needed`, and `None` otherwise.
pub(crate) fn open(root: &Root, path: &Path, homes: Homes, is_needed: bool) -> Result<Option<Ledger>, InstallError> {
    let dir = match directory(root, path)? {
        None if is_needed => make_directory(root, path, homes)?,
        dir => dir,
    };
    let Some(dir) = dir else { return Ok(None) };
    if !is_needed && files::status(&dir, ledger::NAME).map_err(failed("examine", path))?.is_none() {
        return Ok(None);
    }
    let lock = lock::take_soon(&dir, budget::LEDGER).map_err(failed("lock", path))?;
    let lock = lock.ok_or_else(|| InstallError::busy_ledger(path, budget::LEDGER.as_secs()))?;
    Ledger::read(dir, path, Some(lock)).map(Some)
}

/// Makes the directory of the ledger, and waits until it is on the disk, with those above it that may be new as well.
fn make_directory(root: &Root, path: &Path, homes: Homes) -> Result<Option<OwnedFd>, InstallError> {
    parents::reach(root, path, homes)?;
    // Another program may have made the directory, so it is looked up.
    let Some(dir) = directory(root, path)? else { return Ok(None) };
    let above = |dir: &OwnedFd| files::open_directory(dir, c"..").ok();
    let is_ours = |dir: &OwnedFd| fs::fstat(dir).is_ok_and(|status| status.st_uid == geteuid().as_raw());
    let parents = iter::successors(above(&dir), above).take_while(is_ours);
    for parent in parents.take(path.components().count()) {
        files::sync(&parent).map_err(failed("write", path))?;
    }
    Ok(Some(dir))
}

/// The ledger as it is now, without its lock. `None` if there is none.
pub(crate) fn look(root: &Root, path: &Path) -> Result<Option<Ledger>, InstallError> {
    directory(root, path)?.map(|dir| Ledger::read(dir, path, None)).transpose()
}

/// The directory of the ledger. Nobody but root and the caller may be able to put another ledger there.
fn directory(root: &Root, path: &Path) -> Result<Option<OwnedFd>, InstallError> {
    let way = walk::find(root, path, None).map_err(|lost| lost.error)?;
    let Some(place) = way.place else { return Ok(None) };
    let status = fs::fstat(&place.dir).map_err(failed("examine", path))?;
    if !way.is_safe || !writers::of(&status, None).is_empty() {
        return Err(InstallError::foreign_ledger(path));
    }
    files::open_directory(&place.dir, c".")
        .map(Some)
        .map_err(failed("open", path))
}
