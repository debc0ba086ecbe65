//! The ledger: a file on disk that has what was made outside the mount points.
//!
//! A new ledger takes the place of the old one in one step, and is on the disk before anything is made that it names. What is removed
//! leaves the disk before it leaves the ledger. So after a kill or a power cut, the ledger may name more than there is, and never
//! less.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, FileType, Stat},
    io::Errno,
    process::geteuid,
};
use serde::{Deserialize, Serialize};

use super::{
    destination,
    error::{InstallError, errno, failed},
    files,
    made::{Made, MadeDirectory},
    owner::Owner,
};
use crate::system::mode::FileMode;

/// The file name of the ledger.
pub(crate) const NAME: &str = "ledger.json";

/// The file name under which a ledger is written, before it replaces the one before.
const UNFINISHED: &str = "ledger.json.sops-new";

/// Only its owner may read the ledger: it has the paths of secrets.
const MODE: FileMode = FileMode::of_bits(0o600);

/// The most bytes of a ledger that are read: 64 MiB, far more than that of any configuration.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The version of the ledger that this program reads and writes.
const VERSION: u32 = 1;

/// The ledger as the file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    made: Made,
}

/// A ledger that no other run can change, as long as it has its lock.
pub(crate) struct Ledger {
    /// What the ledger has, and what a run has changed since.
    pub(crate) made: Made,
    /// What the file has.
    saved: Made,
    /// Why the file could not be written.
    pub(crate) trouble: Option<InstallError>,
    /// The directory of the file, open for reading.
    dir: OwnedFd,
    /// The path of the file.
    path: PathBuf,
    /// The descriptor of the lock file. Closing the descriptor releases the lock.
    _lock: Option<OwnedFd>,
}

impl Ledger {
    /// Reads the ledger `path` in its directory `dir`. A missing ledger is an empty one. `lock` is the lock, if it is taken.
    pub(crate) fn read(dir: OwnedFd, path: &Path, lock: Option<OwnedFd>) -> Result<Self, InstallError> {
        let made = read(&dir, path)?;
        Ok(Self {
            saved: made.clone(),
            made,
            trouble: None,
            dir,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what was changed, and waits until it is on the disk. An error becomes the trouble of the ledger.
    pub(crate) fn save(&mut self) {
        if self.made == self.saved {
            return;
        }
        match self.write() {
            Ok(()) => {
                self.saved = self.made.clone();
                self.trouble = None;
            }
            Err(cause) => self.trouble = Some(failed("write", &self.path)(cause)),
        }
    }

    fn write(&self) -> Result<(), Errno> {
        // A killed run may have left it.
        files::remove_tree(self.dir.as_fd(), UNFINISHED)?;
        if self.made.is_empty() {
            match fs::unlinkat(&self.dir, NAME, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(cause) => return Err(cause),
            }
            return files::sync(&self.dir);
        }
        let text = Text {
            version: VERSION,
            made: self.made.clone(),
        };
        let mut text = serde_json::to_string_pretty(&text).map_err(|_| Errno::ILSEQ)?;
        text.push('\n');
        let mut file = File::from(files::create_file(&self.dir, UNFINISHED, Owner::Caller, MODE)?);
        file.write_all(text.as_bytes()).map_err(|error| errno(&error))?;
        fs::fsync(&file)?;
        fs::renameat(&self.dir, UNFINISHED, &self.dir, NAME)?;
        files::sync(&self.dir)
    }

    /// Notes that the planned directory `name` in `dir` was made. `made` is its status, or `None` if nobody is to remove it: it is a home,
    /// or somebody else has made it.
    pub(crate) fn settle_directory(&mut self, dir: &OwnedFd, name: &OsStr, made: Option<&Stat>) {
        let Some(at) = destination::resolved(dir, name) else { return };
        match (made, self.made.directories.get_mut(&at)) {
            (Some(made), Some(known)) => *known = MadeDirectory::of(made),
            (None, _) => {
                self.made.directories.remove(&at);
            }
            (Some(_), None) => {}
        }
    }
}

/// Reads the ledger. It must be a regular file of the caller that nobody else can write, and of a version that is known.
fn read(dir: &OwnedFd, path: &Path) -> Result<Made, InstallError> {
    let file = match files::open_file(dir, NAME) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(Made::default()),
        Err(Errno::LOOP) => return Err(InstallError::foreign_ledger(path)),
        Err(cause) => return Err(failed("open", path)(cause)),
    };
    let status = fs::fstat(&file).map_err(failed("examine", path))?;
    let is_ours = status.st_uid == geteuid().as_raw() && FileMode::of(&status).bits() & 0o022 == 0;
    if files::kind(&status) != FileType::RegularFile || !is_ours {
        return Err(InstallError::foreign_ledger(path));
    }
    let mut text = Vec::new();
    let read = File::from(file).take(MAX_BYTES).read_to_end(&mut text);
    read.map_err(|error| failed("read", path)(errno(&error)))?;
    match serde_json::from_slice::<Text>(&text) {
        Ok(Text { version: VERSION, made }) => Ok(made),
        _ => Err(InstallError::unknown_ledger(path)),
    }
}
