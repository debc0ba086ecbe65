//! The ledger: a file on disk that says what an installation has made outside its mount point, so that a later run can remove it.
//!
//! The generations are in memory, and go with a restart. The symlinks at declared paths, the directories that were made for them and
//! the files that were moved aside stay. When their secret is gone, only the ledger knows them. It has paths and numbers, and no
//! content of a secret.
//!
//! The file is replaced in one step, so a killed run and a power cut leave the old ledger or the new one. The ledger alone never
//! decides that something is removed: what is there must still be what the ledger says.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
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
    made::Made,
    owner::Owner,
    parents,
    site::Site,
    walk,
};
use crate::system::{mode::FileMode, root::Root};

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

/// What a run finds in the ledger.
#[derive(Default)]
pub(crate) struct Recorded {
    /// What earlier runs have made.
    pub made: Made,
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
    let Some(file) = open(&place)? else {
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
        other_link: (!is_ours).then_some(ledger.link),
    })
}

/// The link of the installation that has written the ledger at `path`. `None` if there is no ledger.
pub(crate) fn link(root: &Root, path: &Path) -> Result<Option<PathBuf>, InstallError> {
    let way = walk::find(root, path, None).map_err(|lost| InstallError::unread_ledger(&lost.error))?;
    let Some(place) = way.place else {
        return Ok(None);
    };
    let Some(file) = open(&place)? else {
        return Ok(None);
    };
    Ok(Some(parse(path, file)?.link))
}

/// Opens the ledger at `place`. `None` if there is none.
fn open(place: &Destination) -> Result<Option<OwnedFd>, InstallError> {
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
    Ok(Some(file))
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
        link.made.take_if(|made| !is_target(&made.target));
        link.making.take_if(|making| !is_target(&making.target));
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
    // A killed run may have left its new file.
    match fs::unlinkat(&place.dir, new.as_os_str(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(cause) => return Err(cause),
    }
    let file = files::create_file(&place.dir, new.as_os_str(), Owner::Caller, FileMode::of_bits(0o600))?;
    let mut file = File::from(file);
    file.write_all(text).map_err(|error| errno(&error))?;
    fs::fsync(&file)?;
    fs::renameat(&place.dir, new.as_os_str(), &place.dir, place.name.as_os_str())?;
    // Without this, a power cut could bring the old ledger back after symlinks were made.
    files::sync(&place.dir)
}
