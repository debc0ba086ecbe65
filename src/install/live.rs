//! Finds the generation that the link leads to now, and compares its files with the entries to publish.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStringExt, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};

use super::{
    compared_file,
    entry::Entry,
    error::{InstallError, failed},
    files, held, mount,
    name::PlaceInGeneration,
    pending,
    site::Site,
    units::UnitRequests,
};
use crate::{
    system::{
        access_list, budget,
        plaintext::Plaintext,
        read::{OpenFile, ReadError},
        stop,
    },
    text::printable::shown,
};

/// The generation that is live when this run begins.
#[derive(Default)]
pub(crate) struct Current {
    /// The number of the generation that the link leads to; 0 if the link is missing or leads to no generation.
    pub number: u64,
    /// The live generation; `None` if no generation is live.
    pub live: Option<LiveGeneration>,
}

/// A published generation, open for comparison.
pub struct LiveGeneration {
    /// The open directory of the generation.
    dir: OwnedFd,
    /// The path of the generation, for messages.
    at: PathBuf,
    /// Whether a file of the generation can have an access control list.
    knows_access_lists: bool,
    /// Unit requests that were recorded with this generation and are still to be made, because the run that published the
    /// generation ended before it made them.
    pending: UnitRequests,
}

/// The difference between the published file of an entry and the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The generation has no file for the entry.
    Absent,
    /// The content, owner, group or mode of the file differs from the entry, or the file has an access control list.
    Differs,
    /// The file has the content, owner, group and mode of the entry.
    Same,
}

impl Current {
    /// Finds the generation that the link of `site` leads to. `root` is the open mount point. Directories are compared, not paths, so
    /// the link may lead to the generation by any path.
    pub(crate) fn read(site: &Site, root: &OwnedFd) -> Result<Self, InstallError> {
        let Some(spelled) = linked(site)? else {
            return Ok(Self::default());
        };
        let status = match fs::stat(&site.link) {
            Ok(status) => status,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Self::gone(site, &spelled)),
            Err(cause) => return Err(failed("follow the link", &site.link)(cause)),
        };
        let Some(number) = held::number(site, root, &spelled, &status)? else {
            return Ok(Self::default());
        };
        let at = site.generation(number);
        let dir = files::open_directory(root, number.to_string()).map_err(failed("open the live generation", &at))?;
        let pending = pending::read(site, root, number)?;
        Ok(Self {
            number,
            live: Some(LiveGeneration {
                knows_access_lists: access_list::are_known(&dir),
                dir,
                at,
                pending,
            }),
        })
    }

    /// The result for a link to a generation that no longer exists. No generation is live, but the numbers of generations continue
    /// from the number in the link.
    fn gone(site: &Site, target: &Path) -> Self {
        Self {
            number: site.number(target).unwrap_or_default(),
            live: None,
        }
    }
}

impl LiveGeneration {
    /// Unit requests that an earlier run recorded and did not make.
    #[must_use]
    pub fn pending(&self) -> &UnitRequests {
        &self.pending
    }

    /// Compares the published file with `entry`, a part at a time. `scratch` is the buffer for one part, and must not be empty.
    ///
    /// # Errors
    ///
    /// If the file exists and cannot be examined.
    pub fn difference(&self, entry: &Entry<'_>, scratch: &mut [u8]) -> Result<Difference, InstallError> {
        let place = entry.place();
        let fail = |cause| failed("compare with", &self.at.join(&place))(cause);
        let file = match files::open_file(&self.dir, place.as_str()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Difference::Absent),
            // A file that cannot be compared counts as different. A plain user may have declared a mode that does not let this user
            // read it (`EACCES`). And its owner may have a lease on it (fcntl(2)), for whose end this run does not wait (`EAGAIN`).
            Err(Errno::ACCESS | Errno::AGAIN) => return Ok(Difference::Differs),
            Err(cause) => return Err(fail(cause)),
        };
        let same = compared_file::is_that_of(file, entry, self.knows_access_lists, scratch).map_err(fail)?;
        Ok(if same { Difference::Same } else { Difference::Differs })
    }

    /// The content of the file at `place`, which has at most `limit` bytes. `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// If the file exists and cannot be read.
    pub(crate) fn content(&self, place: &PlaceInGeneration<'_>, limit: usize) -> Result<Option<Plaintext>, InstallError> {
        let at = self.at.join(place);
        let file = match files::open_file(&self.dir, place.as_str()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(cause) => return Err(failed("read", &at)(cause)),
        };
        let fail = |error: ReadError| InstallError::from(error.diagnosis().of(format_args!("cannot read {}", shown(&at))));
        let file = OpenFile::of(File::from(file), limit).map_err(fail)?;
        // The buffer is as large as the file from the start, so secret bytes are not moved.
        let mut text = Plaintext::with_capacity(file.size);
        file.read(|piece| text.push(piece)).map_err(fail)?;
        Ok(Some(text))
    }

    /// What the generation contains: each path, relative to its directory, with the kind of file that is there.
    ///
    /// # Errors
    ///
    /// If a directory cannot be read, or directories are nested more deeply than `files::MAX_DEPTH`.
    pub fn inventory(&self) -> Result<BTreeMap<String, FileType>, InstallError> {
        inventory(&self.dir, &self.at)
    }

    /// The open directory of the generation.
    pub(crate) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// The path of the generation, for messages.
    pub(crate) fn at(&self) -> &Path {
        &self.at
    }
}

/// Returns the number of the live generation, or `None` if none is live. Changes nothing. A run needs to know this if something fails,
/// because a live generation must then stay unchanged.
///
/// # Errors
///
/// If the link or the mount point cannot be examined.
pub fn live_generation(site: &Site) -> Result<Option<u64>, InstallError> {
    let current = steady(site, || match mount::open(site)? {
        Some(root) => Current::read(site, &root),
        None => Ok(Current::default()),
    })?;
    Ok(current.live.is_some().then_some(current.number))
}

/// The live contents at these places, in this order; `None` for each that is not live. A content has at most `limit` bytes.
///
/// # Errors
///
/// If the live generation or one of these files cannot be read.
pub fn live_contents(
    site: &Site,
    places: &[PlaceInGeneration<'_>],
    limit: usize,
) -> Result<Vec<Option<Plaintext>>, InstallError> {
    steady(site, || {
        let current = match mount::open(site)? {
            Some(root) => Current::read(site, &root)?,
            None => Current::default(),
        };
        let content = |place| match &current.live {
            Some(live) => live.content(place, limit),
            None => Ok(None),
        };
        places.iter().map(content).collect()
    })
}

/// Returns what `look` sees without the lock. While `look` reads a generation, another run may swap the link and then remove that
/// generation. So `look` is repeated until the link leads to the same directory before and after `look`. If it does, `look` saw a
/// complete generation: a generation is not removed while the link leads to it. Its number may be used again, after a rollback.
///
/// # Errors
///
/// If `look` fails, or the link cannot be read. Also if other runs swap the link again and again during the whole time
/// [`budget::LOCK`], or if this run was told to end meanwhile.
pub(crate) fn steady<T>(site: &Site, look: impl Fn() -> Result<T, InstallError>) -> Result<T, InstallError> {
    steady_within(budget::LOCK, site, look)
}

/// Does what [`steady`] does, for at most the time `timeout`.
fn steady_within<T>(timeout: Duration, site: &Site, look: impl Fn() -> Result<T, InstallError>) -> Result<T, InstallError> {
    let start = Instant::now();
    loop {
        let before = followed(site)?;
        let seen = look();
        if followed(site)? == before {
            return seen;
        }
        if stop::is_requested() {
            return Err(InstallError::stopped(&site.link));
        }
        if start.elapsed() >= timeout {
            return Err(InstallError::restless(&site.link, timeout.as_secs()));
        }
    }
}

/// The target of the link; `None` if no symlink is there.
fn linked(site: &Site) -> Result<Option<PathBuf>, InstallError> {
    match fs::readlink(&site.link, Vec::new()) {
        Ok(target) => Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes())))),
        Err(Errno::NOENT | Errno::INVAL | Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(failed("read the link", &site.link)(cause)),
    }
}

/// The target of the link, with the device and inode of the directory to which it leads.
fn followed(site: &Site) -> Result<(Option<PathBuf>, Option<[u64; 2]>), InstallError> {
    let directory = site.link.metadata().ok();
    Ok((linked(site)?, directory.map(|status| [status.dev(), status.ino()])))
}

/// What is in the directory `dir` of a generation, and below: each relative path, with the kind of file that is there. `at` is the path
/// of the directory, for messages.
pub(crate) fn inventory(dir: &OwnedFd, at: &Path) -> Result<BTreeMap<String, FileType>, InstallError> {
    let mut inventory = BTreeMap::new();
    collect(dir.as_fd(), "", files::MAX_DEPTH, &mut inventory).map_err(failed("list", at))?;
    Ok(inventory)
}

/// Adds the relative paths of all that is in `dir` and below to `inventory`, each with `prefix` before it.
fn collect(dir: BorrowedFd<'_>, prefix: &str, depth: usize, inventory: &mut BTreeMap<String, FileType>) -> Result<(), Errno> {
    let depth = depth.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    for (name, kind) in files::list(dir)? {
        let path = format!("{prefix}{}", name.to_string_lossy());
        if kind == FileType::Directory {
            // Each directory is opened relative to its parent, and a symlink is not followed. So the list has only files of this
            // generation.
            let inner = files::open_directory(dir, name.as_c_str())?;
            collect(inner.as_fd(), &format!("{path}/"), depth, inventory)?;
        }
        inventory.insert(path, kind);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, os::unix::fs::symlink};

    use super::*;
    use crate::{
        install::{directories::Directories, homes::Homes, site::Store},
        system::root::Root,
    };

    #[test]
    fn a_link_that_never_stays_the_same_is_looked_at_for_a_limited_time() {
        let directory = tempfile::TempDir::new().unwrap();
        let top = directory.path();
        let site = Site {
            root: Root::new("/"),
            mount_point: top.join("secrets.d"),
            link: top.join("secrets"),
            watch_file: None,
            keep_generations: 1,
            keeps_unchanged: false,
            ledger: None,
            declared: std::collections::HashSet::new(),
            awaited: std::collections::HashSet::new(),
            directories: Directories::default(),
            store: Store::Directory,
            homes: Homes::Unknown,
        };
        let swaps = Cell::new(0);
        let swap = || {
            swaps.set(swaps.get() + 1);
            let _ = std::fs::remove_file(&site.link);
            symlink(swaps.get().to_string(), &site.link).unwrap();
            Ok(())
        };
        let busy = steady_within(Duration::from_millis(20), &site, swap).unwrap_err().to_string();
        assert!(busy.starts_with("other runs changed /"), "{busy}");
    }
}
