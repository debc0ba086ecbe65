//! Makes an older generation live again.
//!
//! The order is that of a publication: the requests are recorded, the link is swapped, and then the requests are made. So a run that is
//! killed in between leaves the requests to the next run. The next run publishes what its manifest says, whatever is live.

use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};
use zeroize::Zeroizing;

use super::{
    error::{InstallError, errno, failed},
    failure::Failed,
    files, links,
    live::{Current, LiveGeneration, live_generation},
    lock,
    name::PlaceInGeneration,
    pending,
    site::{Site, parse_number},
    units::{self, Channel, UnitError},
};
use crate::system::budget;

/// How many bytes of two files are held in memory at a time while they are compared: 64 KiB.
const CHUNK: usize = 64 * 1024;

/// A published file, and the units that use it.
pub struct FileOfUnits<'a> {
    /// Where the file lies in its generation.
    pub place: PlaceInGeneration<'a>,
    /// Units to restart when the file changes.
    pub restart_units: &'a [String],
    /// Units to reload when the file changes.
    pub reload_units: &'a [String],
}

/// What a rollback has done.
pub struct RolledBack {
    /// The number of the generation that was live before.
    pub from: u64,
    /// The number of the generation that is live now.
    pub to: u64,
    /// Warnings, such as a record that could not be removed.
    pub warnings: Vec<String>,
    /// The unit requests that failed.
    pub failures: Vec<InstallError>,
}

/// Makes the newest generation live that is older than the live one, and makes the unit requests of all `uses` whose file differs.
/// Symlinks at declared paths stay: they lead through the link. `None` if there is no older generation.
///
/// # Errors
///
/// If any step fails before the link is swapped. In that case, the live generation stays.
pub fn roll_back(site: &Site, uses: &[FileOfUnits<'_>], channel: &Channel) -> Result<Option<RolledBack>, Failed> {
    // Without a live generation nothing is mounted for the lock.
    if live_generation(site)?.is_none() {
        return Ok(None);
    }
    let entered = lock::enter(site, budget::LOCK)?;
    let root = &entered.root;
    let Current {
        number,
        live: Some(live),
    } = Current::read(site, root)?
    else {
        return Ok(None);
    };
    let Some(older) = older(site, root, number)? else {
        return Ok(None);
    };
    let at = site.generation(older);
    let dir = files::open_directory(root, older.to_string()).map_err(failed("open the generation", &at))?;
    // Requests that an earlier run has left are still to be made.
    let mut requests = live.pending().clone();
    for used in uses {
        if !is_same(&live, &dir, &used.place).map_err(failed("compare with", &at.join(&used.place)))? {
            requests.extend(used.restart_units, used.reload_units);
        }
    }
    requests.deduplicate();
    pending::remove(site, root, older)?;
    if !requests.is_empty() {
        pending::write(site, root, older, &requests)?;
    }
    let mut warnings = entered.warnings;
    warnings.extend(links::swap(site, older, true)?);
    let errors = units::request(channel, &requests);
    if !errors.iter().any(UnitError::is_lost) {
        let removed = pending::remove(site, root, older);
        warnings.extend(removed.err().map(|error| error.to_string()));
    }
    Ok(Some(RolledBack {
        from: number,
        to: older,
        warnings,
        failures: errors.into_iter().map(InstallError::from).collect(),
    }))
}

/// The newest generation that is older than the generation `live`, and that no run has begun to remove. A run removes what is older
/// than its newest generation by more than `keep_generations`, and may have been killed meanwhile.
fn older(site: &Site, root: &OwnedFd, live: u64) -> Result<Option<u64>, InstallError> {
    let names = files::list(root.as_fd()).map_err(failed("list", &site.mount_point))?;
    let numbers: Vec<_> = names
        .iter()
        .filter_map(|(name, _)| parse_number(name.to_str().ok()?))
        .collect();
    let newest = numbers.iter().copied().max().unwrap_or(live);
    let last_removed = match site.keep_generations {
        0 => 0,
        keep => newest.saturating_sub(keep),
    };
    Ok(numbers
        .into_iter()
        .filter(|number| (last_removed.saturating_add(1)..live).contains(number))
        .max())
}

/// Whether the file at `place` is the same in the generation `live` and in the generation `other`: content, owner, group and mode.
fn is_same(live: &LiveGeneration, other: &OwnedFd, place: &PlaceInGeneration<'_>) -> Result<bool, Errno> {
    let (one, other) = (open(live.dir(), place)?, open(other, place)?);
    let (Some(one), Some(other)) = (one, other) else {
        return Ok(false);
    };
    let (this, that) = (fs::fstat(&one)?, fs::fstat(&other)?);
    if files::same_file(&this, &that) {
        return Ok(true);
    }
    let properties = |status: &fs::Stat| (status.st_mode, status.st_uid, status.st_gid, status.st_size);
    if properties(&this) != properties(&that) || files::kind(&this) != FileType::RegularFile {
        return Ok(false);
    }
    has_same_content(File::from(one), File::from(other))
}

/// Opens the file at `place`; `None` if there is none, or if it cannot be compared and so counts as another one.
fn open(dir: &OwnedFd, place: &PlaceInGeneration<'_>) -> Result<Option<OwnedFd>, Errno> {
    match files::open_file(dir, place.as_str()) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS | Errno::AGAIN) => Ok(None),
        Err(cause) => Err(cause),
    }
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
