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
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, Mode, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    destination::Destination,
    error::{InstallError, errno, failed},
    files::{self, NEW, suffixed},
    homes::Homes,
    owner::Owner,
    parents,
    site::Site,
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

/// What an installation has made outside its mount point.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Made {
    /// The symlinks: the declared path of each, and where it leads. There are two targets if a run was killed while it replaced
    /// one by the other.
    pub links: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The directories that were made for symlinks, each with its inode number. The number is 0 until it is known, at the end of the
    /// run that makes the directory.
    pub directories: BTreeMap<PathBuf, u64>,
    /// The files that were moved aside for symlinks, each by the declared path at which it was.
    pub backups: BTreeMap<PathBuf, Backup>,
}

/// A file that was moved aside.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Backup {
    /// Where the file is now.
    pub path: PathBuf,
    /// The inode number of the file.
    pub inode: u64,
}

/// Reads what the installation of `site` has made, from the ledger at `path`. Without a ledger, nothing was made.
pub(crate) fn read(site: &Site, path: &Path) -> Result<Made, InstallError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match fs::open(path, flags, Mode::empty()) {
        Ok(file) => parse(site, path, file),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(Made::default()),
        Err(cause) => Err(InstallError::unrecorded(&failed("open", path)(cause))),
    }
}

/// Writes what the installation of `site` has made. If it has made nothing, the ledger is removed.
pub(crate) fn write(site: &Site, path: &Path, made: &Made) -> Result<(), InstallError> {
    let place = parents::reach(&site.root, path, Homes::Unknown)?;
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

/// What the ledger in `file` says that the installation of `site` has made.
fn parse(site: &Site, path: &Path, file: OwnedFd) -> Result<Made, InstallError> {
    let mut text = Vec::new();
    let outcome = File::from(file).take(LARGEST).read_to_end(&mut text);
    outcome.map_err(|error| InstallError::unrecorded(&failed("read", path)(errno(&error))))?;
    let ledger = serde_json::from_slice::<Ledger>(&text).map_err(|error| InstallError::bad_ledger(path, &error))?;
    if ledger.version != VERSION {
        return Err(InstallError::later_ledger(path, ledger.version));
    }
    if ledger.link != site.link {
        return Err(InstallError::ledger_of(path, &ledger.link));
    }
    Ok(ledger.made)
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
    fs::fsync(files::open_directory(&place.dir, c".")?)
}
