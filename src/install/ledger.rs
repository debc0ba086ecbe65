//! The ledger: a file on disk that says what an installation has made outside its mount point, so that a later run can remove it.
//!
//! The generations are in memory, and go with a restart. The symlinks at declared paths, the directories that were made for them and
//! the files that were moved aside stay. When their secret is gone, only the ledger knows them. It has paths and numbers, and no
//! content of a secret.
//!
//! The file is replaced in one step, so a killed run and a power cut leave the old ledger or the new one. The ledger alone never
//! decides that something is removed: what is there must still be what the ledger says.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::File,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType, StatxAttributes, StatxFlags},
    io::Errno,
    process::geteuid,
};
use serde::{Deserialize, Serialize};

use super::{
    destination::Destination,
    error::{InstallError, errno, failed},
    files::{self, NEW, suffixed},
    homes::Homes,
    mark::FileMark,
    owner::Owner,
    parents,
    site::Site,
    walk,
};
use crate::system::mode::FileMode;

/// The largest ledger that is read, in bytes: 64 MiB, far more than the paths of any configuration.
const LARGEST: u64 = 1 << 26;

/// The version of the format.
const VERSION: u64 = 1;

/// The ledger as the file has it.
#[derive(Deserialize, Serialize)]
struct Ledger {
    /// The version of the format.
    version: u64,
    /// The link of the installation.
    link: PathBuf,
    /// What the installation has made.
    #[serde(flatten)]
    made: Made,
}

/// What every version of the ledger has. The other fields may be different.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// What an installation has made outside its mount point. The paths are without symlinks, so that one place has one path.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Made {
    /// The symlinks, by their paths.
    pub links: Links,
    /// The directories that were made for symlinks, by their paths.
    pub directories: BTreeMap<PathBuf, Directory>,
}

/// Symlinks, by their paths.
pub(crate) type Links = BTreeMap<PathBuf, Link>;

/// A symlink.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// The path that the configuration declares.
    pub declared: PathBuf,
    /// Where the symlink leads. There are two targets if a run was killed while it replaced one by the other.
    pub targets: BTreeSet<PathBuf>,
    /// The file that was moved aside for the symlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<FileMark>,
    /// Where the file system of the symlink is mounted; `None` if that is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<PathBuf>,
    /// Whether a run has said that the symlink cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

/// A directory.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Directory {
    /// Which directory it is. `None` until the directory is made.
    pub mark: Option<FileMark>,
    /// Where the file system of the directory is mounted; `None` if that is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<PathBuf>,
    /// Whether a run has said that the directory cannot be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

/// What a run finds in the ledger.
#[derive(Default)]
pub(crate) struct Recorded {
    /// What earlier runs have made.
    pub made: Made,
    /// When the ledger was written, in seconds since 1970.
    pub written: i64,
    /// The link of the installation that has written the ledger, if it is not the link of this one.
    pub other_link: Option<PathBuf>,
}

/// Reads the ledger at `path`. Without a ledger, nothing was made. The ledger must be a file that nobody but root and the caller can
/// have written.
pub(crate) fn read(site: &Site, path: &Path) -> Result<Recorded, InstallError> {
    let way = walk::find(&site.root, path, None).map_err(|lost| InstallError::unread_ledger(&lost.error))?;
    let Some(place) = way.place else {
        return Ok(Recorded::default());
    };
    let Some((file, written)) = open(&place)? else {
        return Ok(Recorded::default());
    };
    let ledger = parse(path, file)?;
    let is_ours = ledger.link == site.link;
    Ok(Recorded {
        made: if is_ours {
            trusted(site, ledger.made)
        } else {
            Made::default()
        },
        written,
        other_link: (!is_ours).then_some(ledger.link),
    })
}

/// The symlinks that the other installations with ledgers beside `path` have made, each with its targets.
pub(crate) fn others(site: &Site, path: &Path) -> Vec<Links> {
    let Ok(Some(place)) = walk::find(&site.root, path, None).map(|way| way.place) else {
        return Vec::new();
    };
    let Ok(names) = files::open_directory(&place.dir, c".").and_then(|dir| files::list(&dir)) else {
        return Vec::new();
    };
    let is_other =
        |name: &OsStr| name != place.name && name.as_bytes().starts_with(b"ledger") && name.as_bytes().ends_with(b".json");
    names
        .iter()
        .map(|(name, _)| path.with_file_name(OsStr::from_bytes(name.as_bytes())))
        .filter(|other| other.file_name().is_some_and(is_other))
        .filter_map(|other| {
            let place = walk::find(&site.root, &other, None).ok()?.place?;
            let (file, _) = open(&place).ok()??;
            Some(parse(&other, file).ok()?.made.links)
        })
        .collect()
}

/// Opens the ledger at `place`, and says when it was written. `None` if there is none.
fn open(place: &Destination) -> Result<Option<(OwnedFd, i64)>, InstallError> {
    let path = &place.path;
    let file = match files::open_file(&place.dir, place.name.as_os_str()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        // A symlink, or a socket.
        Err(Errno::LOOP | Errno::NXIO) => return Err(InstallError::odd_ledger(path)),
        Err(cause) => return Err(InstallError::unread_ledger(&failed("open the ledger", path)(cause))),
    };
    let status = fs::statx(&file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .map_err(|cause| InstallError::unread_ledger(&failed("examine the ledger", path)(cause)))?;
    let is_file = FileType::from_raw_mode(status.stx_mode.into()) == FileType::RegularFile;
    // A file that is mounted cannot be replaced by a new one.
    if !is_file || status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(InstallError::odd_ledger(path));
    }
    if ![0, geteuid().as_raw()].contains(&status.stx_uid) || status.stx_mode & 0o022 != 0 {
        return Err(InstallError::foreign_ledger(path));
    }
    Ok(Some((file, status.stx_mtime.tv_sec)))
}

/// The ledger in `file`, which was opened at `path`.
fn parse(path: &Path, file: OwnedFd) -> Result<Ledger, InstallError> {
    let mut text = Vec::new();
    let outcome = File::from(file).take(LARGEST).read_to_end(&mut text);
    outcome.map_err(|error| InstallError::unread_ledger(&failed("read the ledger", path)(errno(&error))))?;
    let bad = |error| InstallError::bad_ledger(path, &error);
    let head = serde_json::from_slice::<Head>(&text).map_err(bad)?;
    if head.version != VERSION {
        return Err(InstallError::later_ledger(path, head.version));
    }
    serde_json::from_slice(&text).map_err(bad)
}

/// Those parts of `made` that this installation can have made: paths below the root, and symlinks that lead below its link.
fn trusted(site: &Site, mut made: Made) -> Made {
    let is_plain = |path: &Path| walk::parts(&site.root, path).is_ok_and(|parts| !parts.is_empty());
    let is_target = |target: &Path| {
        let below = target.strip_prefix(&site.link);
        below.is_ok_and(|below| below.components().all(|part| matches!(part, Component::Normal(_))))
    };
    made.links.retain(|path, _| is_plain(path));
    made.directories.retain(|path, _| is_plain(path));
    for link in made.links.values_mut() {
        link.targets.retain(|target| is_target(target));
    }
    made
}

/// Writes what the installation of `site` has made. If it has made nothing, the ledger is removed.
pub(crate) fn write(site: &Site, path: &Path, made: &Made) -> Result<(), InstallError> {
    let mut new_directories = Vec::new();
    let place = parents::reach_and_tell(&site.root, path, Homes::Unknown, &mut new_directories)?;
    // Without this, a power cut could take the directory with the ledger away, and leave the symlinks.
    for (directory, _) in &new_directories {
        let above = parents::reach(&site.root, directory, Homes::Unknown)?;
        files::sync(&above.dir).map_err(failed("write", directory))?;
    }
    if *made == Made::default() {
        return match fs::unlinkat(&place.dir, place.name.as_os_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(failed("remove", path)(cause)),
        };
    }
    let ledger = Ledger {
        version: VERSION,
        link: site.link.clone(),
        made: made.clone(),
    };
    let text = serde_json::to_string_pretty(&ledger).map_err(|error| InstallError::bad_ledger(path, &error))?;
    replace(&place, text.as_bytes()).map_err(failed("write", path))
}

/// Writes `text` to a new file, and gives it the name of `place` when it is on the disk.
fn replace(place: &Destination, text: &[u8]) -> Result<(), Errno> {
    let new = suffixed(&place.name, NEW);
    files::remove_tree(&place.dir, new.as_os_str())?;
    let file = files::create_file(&place.dir, new.as_os_str(), Owner::Caller, FileMode::of_bits(0o600))?;
    let mut file = File::from(file);
    file.write_all(text).map_err(|error| errno(&error))?;
    fs::fsync(&file)?;
    fs::renameat(&place.dir, new.as_os_str(), &place.dir, place.name.as_os_str())?;
    // Without this, a power cut could bring the old ledger back after symlinks were made.
    files::sync(&place.dir)
}
