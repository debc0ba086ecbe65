//! From contents to `/run/secrets`.
//!
//! [`publish`] writes all entries as a new generation and points the link at it. A run that fails before the link is swapped leaves
//! everything as it was; one that is killed leaves the old generation or the new one, whole. [`preview`] says what `publish` would
//! do, and changes nothing.

pub mod changes;
mod error;
mod files;
mod generation;
mod grounds;
mod held;
mod homes;
mod links;
mod live;
mod lock;
mod mount;
mod parents;
mod pending;
mod place;
mod plan;
mod publication;
#[cfg(test)]
pub(crate) mod tests;
pub mod units;
mod walk;
mod writers;

use std::{
    borrow::Cow,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use changes::Changes;
pub use error::InstallError;
pub use files::Owner;
use grounds::Grounds;
pub(crate) use grounds::is_reserved;
pub use homes::Homes;
use live::Current;
pub use live::{Difference, LiveGeneration};
use plan::Obstacle;
use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
};
use units::Channel;
pub use writers::Writer;

use crate::system::budget;

/// Rendered templates lie below this in a generation.
pub(crate) const TEMPLATE_PREFIX: &str = "rendered/";

/// Where generations go.
#[derive(Clone, Debug)]
pub struct Site {
    /// Generations are its numbered children. Absolute.
    pub mount_point: PathBuf,
    /// Points at the live generation. Absolute.
    pub link: PathBuf,
    /// Generations to keep, the live one included; 0 keeps all.
    pub keep_generations: u64,
    /// What the mount point is.
    pub store: Store,
    /// What homes are known, when a path leads into one that is still to be made.
    pub homes: Homes,
}

/// What the mount point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A file system of its own. Directories belong to root.
    Mounted {
        /// Its type.
        file_system: FileSystem,
        /// The group of all directories.
        group: u32,
    },
    /// A plain directory, as a plain user has it. No owner is set on anything.
    Directory,
}

/// A file system in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// Never swapped out, not limited in size.
    Ramfs,
    /// Mounted with `noswap` where the kernel knows it.
    Tmpfs,
}

/// One file to publish.
pub struct Entry<'a> {
    /// Secret or template.
    pub kind: Kind,
    /// Relative name: no empty part, no `.`, no `..`, no NUL.
    pub name: &'a str,
    /// The bytes.
    pub content: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// User and group; `None` leaves the caller's.
    pub owner: Owner,
    /// Where the file shall be seen too, or its own place.
    pub path: Option<PathBuf>,
    /// Units to restart when it is added or modified.
    pub restart_units: &'a [String],
    /// Units to reload when it is added or modified.
    pub reload_units: &'a [String],
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A decrypted value or file.
    Secret,
    /// A template with its placeholders replaced.
    Template,
}

/// A generation that is live now.
#[derive(Debug)]
pub struct Published {
    /// Its number.
    pub generation: u64,
    /// What it changed.
    pub changes: Changes,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// What failed after the swap: links at other paths, unit requests.
    pub failures: Vec<InstallError>,
}

/// A publication that was not made.
#[derive(Debug)]
pub struct Unpublished {
    /// What kept it.
    pub error: InstallError,
    /// What somebody should know, such as what was moved aside before.
    pub warnings: Vec<String>,
}

/// What a publication would do.
#[derive(Debug)]
pub struct Preview {
    /// Whether a generation is live, so that a failure would leave it untouched.
    pub is_live: bool,
    /// What would change.
    pub changes: Changes,
    /// What stands in the way of declared paths.
    pub failures: Vec<InstallError>,
    /// Whether these would stop the run. Then they are only those that do.
    pub is_refused: bool,
}

impl Site {
    /// The directory of generation `number`.
    fn generation(&self, number: u64) -> PathBuf {
        self.mount_point.join(number.to_string())
    }

    /// The number of the generation whose directory is `path`.
    fn number(&self, path: &Path) -> Option<u64> {
        let number = path.file_name()?.to_str().and_then(parse_number)?;
        (path.parent() == Some(&self.mount_point)).then_some(number)
    }

    /// Owner of all directories that we make below the mount point, and of it.
    fn directory_owner(&self) -> Owner {
        match self.store {
            Store::Mounted { group, .. } => Some((0, group)),
            Store::Directory => None,
        }
    }

    /// Owner of files that are ours alone.
    fn file_owner(&self) -> Owner {
        self.directory_owner().map(|_| (0, 0))
    }
}

impl Entry<'_> {
    /// Place in a generation.
    #[must_use]
    pub fn location(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Secret => Cow::Borrowed(self.name),
            Kind::Template => Cow::Owned(format!("{TEMPLATE_PREFIX}{}", self.name)),
        }
    }
}

/// Whether a generation is live, which a failure must leave as it is. Changes nothing.
///
/// # Errors
///
/// When that cannot be told.
pub fn is_live(site: &Site) -> Result<bool, InstallError> {
    Ok(look(site)?.live.is_some())
}

/// What stands, seen without a lock.
fn look(site: &Site) -> Result<Current, InstallError> {
    match open(site)? {
        Some(root) => Current::read(site, &root),
        None => Ok(Current::default()),
    }
}

/// The mount point, if it is there.
fn open(site: &Site) -> Result<Option<OwnedFd>, InstallError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(&site.mount_point, flags, Mode::empty()) {
        Ok(root) => Ok(Some(root)),
        Err(Errno::NOENT) => Ok(None),
        Err(cause) => Err(mount::unopened(site, cause)),
    }
}

/// Compares `entries` with what is live. Makes no mount, file or directory, and takes no lock.
///
/// # Errors
///
/// When the live generation cannot be read, or nothing could be published here.
pub fn preview(site: &Site, entries: &[Entry<'_>]) -> Result<Preview, InstallError> {
    let root = open(site)?;
    let grounds = Grounds::look(site, root.as_ref())?;
    if let Some(root) = &root {
        mount::inspect(site, root)?;
    }
    links::check(site)?;
    let current = look(site)?;
    let changes = changes::compare(current.live.as_ref(), entries)?;
    let is_live = current.live.is_some();
    let (blocking, others) = sorted(plan::plan(site, &grounds, entries).obstacles);
    let is_refused = is_live && !blocking.is_empty();
    let mut failures = blocking;
    if !is_refused {
        failures.extend(others);
    }
    Ok(Preview {
        is_live,
        changes,
        failures,
        is_refused,
    })
}

/// Obstacles that stop a run over a live generation, and those that other users can make, which must not.
fn sorted(obstacles: Vec<Obstacle>) -> (Vec<InstallError>, Vec<InstallError>) {
    let (ours, others): (Vec<_>, Vec<_>) = obstacles.into_iter().partition(|obstacle| obstacle.is_ours);
    let errors = |obstacles: Vec<Obstacle>| obstacles.into_iter().map(|obstacle| obstacle.error).collect();
    (errors(ours), errors(others))
}

/// How much of what was declared the entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// What did not fail. It is published only where nothing is live, also if that has changed since it was looked at.
    Rest,
}

/// Publishes `entries` as a new generation, and then tells the units of what has changed.
///
/// An obstacle at a declared path stops the run while a generation is live that it would leave half replaced. When nothing is live
/// yet, there is nothing to protect: what can be published is, and the rest is in [`Published::failures`]. So is always what another
/// user can have put in the way, who must not be able to stop an update.
///
/// # Errors
///
/// Everything that keeps the link from being swapped. The live generation is then as it was.
pub fn publish(site: &Site, entries: &[Entry<'_>], extent: Extent, channel: &Channel) -> Result<Published, Unpublished> {
    publish_within(budget::LOCK, site, entries, extent, channel)
}

/// [`publish`], waiting for another run no longer than `timeout`.
fn publish_within(
    timeout: Duration,
    site: &Site,
    entries: &[Entry<'_>],
    extent: Extent,
    channel: &Channel,
) -> Result<Published, Unpublished> {
    let mut warnings = Vec::new();
    match publication::attempt(timeout, site, entries, extent, channel, &mut warnings) {
        Ok(published) => Ok(Published { warnings, ..published }),
        Err(error) => Err(Unpublished { error, warnings }),
    }
}

/// A generation's number as we write it: no sign, no leading zero, and not zero.
fn parse_number(name: &str) -> Option<u64> {
    let number = name.parse::<u64>().ok()?;
    (number != 0 && number.to_string() == name).then_some(number)
}
