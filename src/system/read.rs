//! Reads regular files into memory that is wiped, with limits of size and time.

use std::{
    fmt,
    fs::{File, FileType, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::{
    budget,
    confinement::{Confined, Unfinished},
    plaintext::Plaintext,
    progress::Progress,
    stop,
};
use crate::text::{diagnosis::Diagnosis, printable::shown};

/// How many bytes are read at a time: 64 KiB, or less for a file that is smaller.
const CHUNK: usize = 64 * 1024;
/// The fewest bytes that are read at a time: 4 KiB, because a file can have more bytes than its size says.
const LEAST_CHUNK: usize = 4 * 1024;

/// The content and mode of a file. Both come from one open descriptor, so both belong to the same file.
pub(crate) struct FileContents {
    /// All bytes of the file.
    pub text: Plaintext,
    /// The permission bits of the file.
    pub mode: u32,
}

/// Why a file was not read. The caller names the file in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The file does not exist.
    Missing,
    /// This user may not read the file.
    Denied,
    /// The system refused to open or read the file for another reason. The value is the error of the system.
    Refused(String),
    /// The path leads to no file: a part of it is no directory, or symlinks lead in a circle. The text is the reason.
    BadPath(&'static str),
    /// The file is not a regular file, and reading it could block or never end. The value says which kind of file it is.
    NotRegular(&'static str),
    /// The file has more bytes than this limit. No part of the file is used.
    TooLarge(usize),
    /// The file could not be read in time.
    Late,
    /// This run was told to end while the file was read.
    Stopped,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file"),
            Self::Denied => f.write_str("permission denied"),
            Self::Refused(reason) => f.write_str(reason),
            Self::BadPath(reason) => f.write_str(reason),
            Self::NotRegular(kind) => write!(f, "it is {kind}, not a file"),
            Self::TooLarge(limit) if limit >> 20 > 0 => write!(f, "it is larger than {} MiB", limit >> 20),
            Self::TooLarge(limit) => write!(f, "it is larger than {} KiB", limit >> 10),
            Self::Late => f.write_str("its disk or network does not answer"),
            Self::Stopped => f.write_str("this run was told to end"),
        }
    }
}

impl ReadError {
    /// What somebody can do about the error. Returns `None` if the remedy depends on the kind of file.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Late => Some("move it to a local disk"),
            Self::Stopped => Some("run this again"),
            Self::Missing | Self::Denied | Self::Refused(_) | Self::BadPath(_) | Self::NotRegular(_) | Self::TooLarge(_) => None,
        }
    }

    /// The error, with its remedy if [`Self::remedy`] has one.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        Diagnosis {
            cause: self.to_string(),
            remedy: self.remedy().map(str::to_owned),
        }
    }
}

/// Reads the files of one kind, such as all key files. All files of a `Reader` share one time limit.
pub(crate) struct Reader {
    thread: Confined,
    left: Duration,
    /// The time that is left for the files after this run was told to end.
    grace: Duration,
}

impl Reader {
    pub(crate) fn new(thread: Confined, left: Duration) -> Self {
        Self {
            thread,
            left,
            grace: budget::GRACE,
        }
    }

    /// Reads a file as the function [`read`] does, in the time that is left. If no time is left, or this run was told to end, a short
    /// time is still allowed. So a file that can be read at once is read, even if other files were slow.
    pub(crate) fn read(&mut self, path: &Path, limit: usize) -> Result<FileContents, ReadError> {
        let mut progress = Progress::about(format!("the file {}", shown(path)));
        let path = path.to_owned();
        self.wait_for(&mut progress, move || read(&path, limit))
    }

    /// Checks whether a file exists at `path`, with the same time limit as a read.
    pub(crate) fn find(&mut self, path: &Path) -> Result<(), ReadError> {
        let mut progress = Progress::about(format!("the file {}", shown(path)));
        let path = path.to_owned();
        self.wait_for(&mut progress, move || {
            path.metadata().map(|_| ()).map_err(|error| refusal(&error))
        })
    }

    fn wait_for<T: Send + 'static>(
        &mut self,
        progress: &mut Progress,
        work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (start, is_last) = (Instant::now(), stop::is_requested());
        let left = self.left.max(budget::QUICK);
        let done = self.thread.run_telling(progress, left, self.grace, work);
        let time = if is_last { &mut self.grace } else { &mut self.left };
        *time = time.saturating_sub(start.elapsed());
        done.unwrap_or_else(|unfinished| match unfinished {
            Unfinished::Late => Err(ReadError::Late),
            Unfinished::Stopped => Err(ReadError::Stopped),
        })
    }
}

/// Reads a regular file of at most `limit` bytes. Symlinks are followed.
pub(crate) fn read(path: &Path, limit: usize) -> Result<FileContents, ReadError> {
    let file = OpenFile::open(path, limit)?;
    // The buffer is as large as the file from the start, so secret bytes are not moved.
    let mut text = Plaintext::with_capacity(file.size);
    let mode = file.mode;
    file.read(|piece| text.push(piece))?;
    Ok(FileContents { text, mode })
}

/// A regular file of limited size that is open.
pub(crate) struct OpenFile {
    file: File,
    /// The size of the file in bytes when it was opened.
    pub size: usize,
    /// The permission bits of the file.
    mode: u32,
    /// The most bytes that are read.
    limit: usize,
}

impl OpenFile {
    /// Opens a regular file of at most `limit` bytes. Symlinks are followed.
    ///
    /// The file is opened once, and its type and size are read from the descriptor. So nobody can put another file in its place
    /// between the check and the read. `O_NONBLOCK` keeps the call from blocking at a fifo that has no writer.
    pub(crate) fn open(path: &Path, limit: usize) -> Result<Self, ReadError> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .map_err(|error| refusal(&error))?;
        Self::of(file, limit)
    }

    /// Takes an open file, which must be a regular file of at most `limit` bytes.
    pub(crate) fn of(file: File, limit: usize) -> Result<Self, ReadError> {
        let metadata = file.metadata().map_err(|error| refusal(&error))?;
        if let Some(kind) = other_kind(metadata.file_type()) {
            return Err(ReadError::NotRegular(kind));
        }
        let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        if size > limit {
            return Err(ReadError::TooLarge(limit));
        }
        Ok(Self {
            file,
            size,
            mode: metadata.permissions().mode() & 0o7777,
            limit,
        })
    }

    /// Reads the whole file, and gives it to `take` piece by piece. Fails if the file has grown beyond its limit.
    pub(crate) fn read(mut self, mut take: impl FnMut(&[u8])) -> Result<(), ReadError> {
        let mut left = self.limit;
        let mut chunk = Zeroizing::new(vec![0; self.size.saturating_add(1).clamp(LEAST_CHUNK, CHUNK)]);
        loop {
            let count = match self.file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(refusal(&error)),
            };
            left = left.checked_sub(count).ok_or(ReadError::TooLarge(self.limit))?;
            take(chunk.get(..count).unwrap_or_default());
        }
    }
}

/// The kind of a file that is not regular, in words for a message; `None` for a regular file.
fn other_kind(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        kind if kind.is_fifo() => Some("a fifo"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

/// Turns an I/O error into the reason for a message, without the error number.
fn refusal(error: &io::Error) -> ReadError {
    match rustix::io::Errno::from_io_error(error) {
        Some(rustix::io::Errno::NOENT) => ReadError::Missing,
        Some(rustix::io::Errno::ACCESS) => ReadError::Denied,
        // Each libc has other words for these errors, so the messages have words of their own.
        Some(rustix::io::Errno::LOOP) => ReadError::BadPath("the symlinks on its path lead in a circle"),
        Some(rustix::io::Errno::NOTDIR) => ReadError::BadPath("a part of its path is not a directory"),
        Some(rustix::io::Errno::NAMETOOLONG) => ReadError::BadPath("its path is too long"),
        // open(2) gives `ENXIO` for a socket.
        Some(rustix::io::Errno::NXIO) => ReadError::NotRegular("a socket"),
        _ => ReadError::Refused(reason(error)),
    }
}

/// The text of an error, for the middle of a message: the first letter is lower-case, and the error number is left out.
pub(crate) fn reason(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
