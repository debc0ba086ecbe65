//! Reads regular files, with a limit of size and time, into memory that is wiped.

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
    stop,
};
use crate::text::diagnosis::Diagnosis;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// A file as it was when it was opened.
pub(crate) struct FileContents {
    /// All of it.
    pub text: Plaintext,
    /// Its permission bits.
    pub mode: u32,
}

/// Why a file was not read. The caller names the file in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such file.
    Missing,
    /// The system refused to open or read it, in the system's words.
    Refused(String),
    /// It is not a regular file but what the text says. Reading it could block or never end.
    NotRegular(&'static str),
    /// It has more bytes than this limit. No part of it is used.
    TooLarge(usize),
    /// It could not be read in time.
    Late,
    /// This run was told to end meanwhile.
    Stopped,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file"),
            Self::Refused(reason) => f.write_str(reason),
            Self::NotRegular(kind) => write!(f, "it is {kind}, not a file"),
            Self::TooLarge(limit) if limit >> 20 > 0 => write!(f, "it is larger than {} MiB", limit >> 20),
            Self::TooLarge(limit) => write!(f, "it is larger than {} KiB", limit >> 10),
            Self::Late => f.write_str("its disk or network does not answer"),
            Self::Stopped => f.write_str("this run was told to end"),
        }
    }
}

impl ReadError {
    /// What to do about it, whatever the file is.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Late => Some("keep it on a local disk"),
            Self::Stopped => Some("run this again"),
            Self::Missing | Self::Refused(_) | Self::NotRegular(_) | Self::TooLarge(_) => None,
        }
    }

    /// The error, with what to do about it.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        Diagnosis {
            cause: self.to_string(),
            remedy: self.remedy().map(str::to_owned),
        }
    }
}

/// Reads the files of one kind, such as all key files. They have a common limit of time.
pub(crate) struct Reader {
    thread: Confined,
    left: Duration,
    /// The time that is left for them once this run was told to end.
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

    /// Reads a file as [`read`] does, in the time that is left. If none is left, or this run was told to end, there is still a
    /// moment: a file that can be read at once is read, however long other files took.
    pub(crate) fn read(&mut self, path: &Path, limit: usize) -> Result<FileContents, ReadError> {
        let path = path.to_owned();
        self.wait_for(move || read(&path, limit))
    }

    /// Checks, with the same timeout, whether there is something at `path`.
    pub(crate) fn find(&mut self, path: &Path) -> Result<(), ReadError> {
        let path = path.to_owned();
        self.wait_for(move || path.metadata().map(|_| ()).map_err(|error| refusal(&error)))
    }

    fn wait_for<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (start, is_last) = (Instant::now(), stop::is_requested());
        let done = self.thread.run_with_grace(self.left.max(budget::QUICK), self.grace, work);
        let time = if is_last { &mut self.grace } else { &mut self.left };
        *time = time.saturating_sub(start.elapsed());
        done.unwrap_or_else(|unfinished| match unfinished {
            Unfinished::Late => Err(ReadError::Late),
            Unfinished::Stopped => Err(ReadError::Stopped),
        })
    }
}

/// Reads a regular file of at most `limit` bytes, following symbolic links.
///
/// The file is opened once, and its type and size are those of the descriptor: nobody can put another file in its place between
/// the check and the read. With `O_NONBLOCK`, opening a fifo that has no writer does not block.
pub(crate) fn read(path: &Path, limit: usize) -> Result<FileContents, ReadError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| refusal(&error))?;
    let metadata = file.metadata().map_err(|error| refusal(&error))?;
    if let Some(kind) = other_kind(metadata.file_type()) {
        return Err(ReadError::NotRegular(kind));
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let text = read_to_end(&file, size, limit).map_err(|error| refusal(&error))?;
    Ok(FileContents {
        text: text.ok_or(ReadError::TooLarge(limit))?,
        mode: metadata.permissions().mode() & 0o7777,
    })
}

/// The whole file, or `None` if it has grown beyond `limit`. The buffer has the size of the file from the start, so it does not
/// move.
fn read_to_end(mut file: &File, size: usize, limit: usize) -> io::Result<Option<Plaintext>> {
    let mut text = Plaintext::with_capacity(size);
    let mut chunk = Zeroizing::new(vec![0; CHUNK.min(size.saturating_add(1))]);
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => return Ok(Some(text)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        text.push(chunk.get(..count).unwrap_or_default());
        if text.len() > limit {
            return Ok(None);
        }
    }
}

/// What a file is, if it is not a regular file.
fn other_kind(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a directory"),
        kind if kind.is_fifo() => Some("a fifo"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

/// The system's reason, without its number.
fn refusal(error: &io::Error) -> ReadError {
    match rustix::io::Errno::from_io_error(error) {
        Some(rustix::io::Errno::NOENT) => ReadError::Missing,
        // Each libc has other words for this error; the message always has these.
        Some(rustix::io::Errno::LOOP) => ReadError::Refused("too many levels of symbolic links".to_owned()),
        // The error of opening a socket.
        Some(rustix::io::Errno::NXIO) => ReadError::NotRegular("a socket"),
        _ => ReadError::Refused(reason(error)),
    }
}

/// What the system said, for the middle of a message: with a lower-case first letter, and without the number of the error.
pub(crate) fn reason(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
