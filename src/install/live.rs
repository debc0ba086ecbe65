//! The generation that the link points to now.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, FileType},
    io::Errno,
};

use super::{
    entry::Entry,
    error::{InstallError, errno, failed},
    files, held, mount, pending,
    site::Site,
    units::UnitRequests,
};
use crate::system::mode::FileMode;

/// What is published when this run begins.
#[derive(Default)]
pub(crate) struct Current {
    /// Number of the generation that the link leads to; 0 when there is no link of ours.
    pub number: u64,
    /// That generation, when its directory is there.
    pub live: Option<LiveGeneration>,
}

/// A published generation, open for comparison.
pub struct LiveGeneration {
    /// Its directory.
    dir: OwnedFd,
    /// Where it is, for messages.
    at: PathBuf,
    /// Unit requests of the run that published it, if that run ended before it made them.
    pending: UnitRequests,
}

/// How a published file relates to a wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is no such file.
    Absent,
    /// Content, owner, group or mode differ.
    Differs,
    /// Nothing differs.
    Same,
}

impl Current {
    /// Finds the generation that the link of `site` leads to. `root` is the open mount point. Only the directory counts: the link
    /// may lead to it by any path.
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
            live: Some(LiveGeneration { dir, at, pending }),
        })
    }

    /// For a link to a generation that no longer exists: nothing is live, but the numbers go on from there.
    fn gone(site: &Site, target: &Path) -> Self {
        Self {
            number: site.number(target).unwrap_or_default(),
            live: None,
        }
    }
}

impl LiveGeneration {
    /// Unit requests that an earlier run recorded, but did not make.
    #[must_use]
    pub fn pending(&self) -> &UnitRequests {
        &self.pending
    }

    /// Compares the published file with `entry`, a part at a time. `scratch` is the buffer for a part, and must not be empty.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be examined.
    pub fn difference(&self, entry: &Entry<'_>, scratch: &mut [u8]) -> Result<Difference, InstallError> {
        let place = entry.place();
        let fail = |cause| failed("compare with", &self.at.join(&place))(cause);
        let file = match files::open_file(&self.dir, place.as_str()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Difference::Absent),
            // A plain user may have declared a file that they cannot read themselves.
            Err(Errno::ACCESS) => return Ok(Difference::Differs),
            Err(cause) => return Err(fail(cause)),
        };
        let status = fs::fstat(&file).map_err(fail)?;
        let same = entry.owner.has(&status)
            && files::kind(&status) == FileType::RegularFile
            && FileMode::of_bits(status.st_mode) == entry.mode
            && u64::try_from(status.st_size) == u64::try_from(entry.content.len())
            && same_content(&mut File::from(file), entry.content, scratch).map_err(|error| fail(errno(&error)))?;
        Ok(if same { Difference::Same } else { Difference::Differs })
    }

    /// The paths of all regular files below the directory of the generation, relative and sorted. Symlinks are left out, because
    /// they stand for declared paths.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read, or is nested more deeply than this program makes it.
    pub fn names(&self) -> Result<BTreeSet<String>, InstallError> {
        let mut names = BTreeSet::new();
        collect(self.dir.as_fd(), "", files::MAX_DEPTH, &mut names).map_err(failed("list", &self.at))?;
        Ok(names)
    }
}

/// Whether a generation is live. If so, a run that fails must leave it as it is. Changes nothing.
///
/// # Errors
///
/// When the link or the mount point cannot be examined.
pub fn is_live(site: &Site) -> Result<bool, InstallError> {
    let current = steady(site, || match mount::open(site)? {
        Some(root) => Current::read(site, &root),
        None => Ok(Current::default()),
    })?;
    Ok(current.live.is_some())
}

/// Returns what `look` sees without the lock. Another run may publish at the same moment: it swaps the link, and then removes the
/// generation that `look` reads. So `look` is repeated until the link has the same target before and after it. A generation to
/// which the link leads is never removed, and its number is not used again.
///
/// # Errors
///
/// Those of `look`, and when the link cannot be read.
pub(crate) fn steady<T>(site: &Site, look: impl Fn() -> Result<T, InstallError>) -> Result<T, InstallError> {
    loop {
        let before = linked(site)?;
        let seen = look();
        if linked(site)? == before {
            return seen;
        }
    }
}

/// The target of the link; `None` when there is no link.
fn linked(site: &Site) -> Result<Option<PathBuf>, InstallError> {
    match fs::readlink(&site.link, Vec::new()) {
        Ok(target) => Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes())))),
        Err(Errno::NOENT | Errno::INVAL | Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(failed("read the link", &site.link)(cause)),
    }
}

/// Adds the files in `dir` and below to `names`, with `prefix` before them.
fn collect(dir: BorrowedFd<'_>, prefix: &str, depth: usize, names: &mut BTreeSet<String>) -> Result<(), Errno> {
    let depth = depth.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    for (name, kind) in files::list(dir)? {
        let path = format!("{prefix}{}", name.to_string_lossy());
        match kind {
            FileType::Directory => {
                let inner = files::open_directory(dir, name.as_c_str())?;
                collect(inner.as_fd(), &format!("{path}/"), depth, names)?;
            }
            FileType::RegularFile => drop(names.insert(path)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file holds exactly `expected`; reads no further than the first difference.
fn same_content(file: &mut File, mut expected: &[u8], scratch: &mut [u8]) -> io::Result<bool> {
    loop {
        let count = file.read(scratch)?;
        if count == 0 {
            return Ok(expected.is_empty());
        }
        match expected.split_at_checked(count) {
            Some((head, tail)) if scratch.get(..count) == Some(head) => expected = tail,
            _ => return Ok(false),
        }
    }
}
