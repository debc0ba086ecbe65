//! The file of the metrics: read and replaced in its directory, which is opened once.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, CWD, FlockOperation, Mode, OFlags},
    io::Errno,
    process::geteuid,
};

use crate::system::mode::FileMode;

/// Limit: at most 1 MiB of the file of the run before is read.
const LARGEST: u64 = 1 << 20;

/// What the name of a file that is not yet complete ends in. The node exporter only reads files that end in `.prom`.
const UNFINISHED: &str = ".sops-new";

/// Everybody may read the metrics: the node exporter has a user of its own.
const FILE_MODE: FileMode = FileMode::of_bits(0o644);
const DIRECTORY_MODE: FileMode = FileMode::of_bits(0o755);

/// The place of a file in a directory that is open. As long as the value lives, other runs wait: two runs at a time would otherwise
/// write into one unfinished file, or one would forget the success of the other.
///
/// Only the name is looked up from here on. Somebody else to whom the directory belongs can spoil the metrics, but cannot lead a write
/// to another place.
pub(crate) struct MetricsFile {
    directory: OwnedFd,
    name: OsString,
}

impl MetricsFile {
    /// Opens the directory of the file at `path`. Makes the directory, but none above it, if it is missing. Waits until no other run
    /// has it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let directory = open_directory(path.parent().unwrap_or(Path::new("/")))?;
        fs::flock(&directory, FlockOperation::LockExclusive)?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        Ok(Self { directory, name })
    }

    /// What the file has now; `None` if it cannot be read.
    pub(crate) fn text(&self) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(fs::openat(&self.directory, &self.name, flags, Mode::empty()).ok()?);
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Puts a file with `text` in its place, in one step.
    pub(crate) fn replace(&self, text: &str) -> io::Result<()> {
        let mut unfinished = self.name.clone();
        unfinished.push(UNFINISHED);
        // A killed run may have left it.
        let _ = fs::unlinkat(&self.directory, &unfinished, AtFlags::empty());
        let written = self.write(&unfinished, text).and_then(|()| {
            fs::renameat(&self.directory, &unfinished, &self.directory, &self.name)?;
            Ok(())
        });
        written.inspect_err(|_| {
            let _ = fs::unlinkat(&self.directory, &unfinished, AtFlags::empty());
        })
    }

    fn write(&self, name: &OsStr, text: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from(FILE_MODE);
        let mut file = File::from(fs::openat(&self.directory, name, flags, mode)?);
        // The umask may have taken rights away.
        fs::fchmod(&file, mode)?;
        file.write_all(text.as_bytes())
    }
}

/// Opens a directory, and makes it if it is missing.
fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match fs::openat(CWD, path, flags, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return Ok(opened?),
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = fs::openat(CWD, path.parent().unwrap_or(Path::new("/")), flags, Mode::empty())?;
    let rights = Mode::from(DIRECTORY_MODE);
    match fs::mkdirat(&parent, name, rights) {
        // Another run has just made it.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    // Nobody can put a symlink in its place before it is opened.
    let made = fs::openat(&parent, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
    // The umask may have taken rights away.
    if fs::fstat(&made)?.st_uid == geteuid().as_raw() {
        fs::fchmod(&made, rights)?;
    }
    Ok(made)
}
