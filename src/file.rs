//! Bounded reads of regular files.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::fcntl::OFlag;
use thiserror::Error;

use crate::plaintext::Plaintext;

/// Why a file was not read. The object is the caller's to name.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The system refused.
    #[error("{}", cause(.0))]
    Io(#[from] io::Error),
    /// A directory, a fifo, a device: reading could hang or never end.
    #[error("not a regular file")]
    NotRegular,
    /// More than the limit; never a part of it.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
}

/// What the system said, without the error's number.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// Opens a regular file for reading, once, without waiting for anything.
///
/// # Errors
/// When it cannot be opened or is something else.
pub fn open(path: &Path) -> Result<File, ReadError> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(ReadError::NotRegular) }
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is no regular file, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Plaintext, ReadError> {
    read_open(&open(path)?, limit)
}

/// Reads a whole open file of at most `limit` bytes, into a buffer of its size: nothing is copied while it grows.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read_open(file: &File, limit: u64) -> Result<Plaintext, ReadError> {
    let expected = file.metadata()?.len();
    if expected > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut text = Plaintext::with_capacity(usize::try_from(expected).unwrap_or_default().saturating_add(1));
    // Not more than the limit even if the file grows meanwhile.
    io::copy(&mut file.take(limit.saturating_add(1)), &mut text)?;
    if text.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(text)
}
