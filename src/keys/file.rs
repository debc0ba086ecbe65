//! Reading a key file: bounded, without waiting, into memory that is wiped.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use zeroize::Zeroizing;

use super::notice::Cause;
use crate::plaintext::Plaintext;

/// A key file as it was when it was opened.
pub(super) struct KeyFileContent {
    /// All of it.
    pub content: Plaintext,
    /// Its permission bits.
    pub mode: u32,
}

/// Reads a regular file of at most `limit` bytes, following symbolic links.
///
/// It is opened once, and what it is is asked of the descriptor. `O_NONBLOCK` keeps a fifo without a writer from holding us up.
pub(super) fn read(path: &Path, limit: usize) -> Result<KeyFileContent, Cause> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
        .map_err(|e| cause(&e))?;
    let metadata = file.metadata().map_err(|e| cause(&e))?;
    if let Some(kind) = other_kind(metadata.file_type()) {
        return Err(Cause::NotAFile(kind));
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let too_large = Cause::TooLarge(limit / 1024);
    if size > limit {
        return Err(too_large);
    }
    let content = read_to_end(&file, size, limit)
        .map_err(|e| cause(&e))?
        .ok_or(too_large)?;
    Ok(KeyFileContent {
        content,
        mode: metadata.permissions().mode() & 0o7777,
    })
}

/// Whether others than the owner may read or write a file of this mode.
pub(super) fn is_exposed(mode: u32) -> bool {
    mode & 0o066 != 0
}

/// The whole file, or nothing when it grew beyond `limit`.
fn read_to_end(mut file: &File, size: usize, limit: usize) -> io::Result<Option<Plaintext>> {
    let mut content = Plaintext::with_capacity(size);
    let mut chunk = Zeroizing::new([0; 4096]);
    loop {
        let count = match file.read(chunk.as_mut_slice()) {
            Ok(0) => return Ok(Some(content)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        content.push(chunk.get(..count).unwrap_or_default());
        if content.len() > limit {
            return Ok(None);
        }
    }
}

/// What it is instead of a regular file.
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
fn cause(error: &io::Error) -> Cause {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT) => Cause::Missing,
        // What opening a socket gives.
        Some(Errno::ENXIO) => Cause::NotAFile("a socket"),
        Some(errno) => Cause::Unreadable(errno.desc().to_lowercase()),
        None => Cause::Unreadable(error.kind().to_string()),
    }
}
