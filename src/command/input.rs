//! Reads what a command is given: a file, or standard input.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use crate::{
    system::{
        plaintext::Plaintext,
        progress::during,
        read::{self, ReadError},
    },
    text::{diagnosis::Diagnosis, printable::shown},
};

/// One text that a command is given.
pub(crate) struct Input {
    /// How messages name the text.
    pub(crate) name: String,
    /// The path of the file. `None` for standard input and for a fifo, which can be read only once.
    pub(crate) path: Option<PathBuf>,
    /// The text. It may be a private key.
    pub(crate) text: Plaintext,
}

impl Input {
    /// Reads the file at `path`, or standard input if the path is `-`. A regular file may have up to `limit` bytes. Standard
    /// input may have up to `stream_limit` bytes, and so may a fifo, such as a shell makes for `<(…)`.
    ///
    /// # Errors
    ///
    /// Returns a message for people if the input cannot be read, or is larger than its limit.
    pub(crate) fn read(path: &Path, limit: usize, stream_limit: usize) -> Result<Self, Diagnosis> {
        if path == Path::new("-") {
            let name = "standard input".to_owned();
            let text = during(name.clone(), || read_stream(io::stdin().lock(), stream_limit));
            return Ok(Self {
                name,
                path: None,
                text: text.map_err(|cause| Diagnosis::bare(format!("cannot read standard input: {cause}")))?,
            });
        }
        let name = shown(path);
        if path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            let text = during(name.clone(), || {
                let file = File::open(path).map_err(|error| read::reason(&error));
                file.and_then(|file| read_stream(file, stream_limit))
            });
            return Ok(Self {
                text: text.map_err(|cause| Diagnosis::bare(format!("cannot read {name}: {cause}")))?,
                name,
                path: None,
            });
        }
        let contents = read::read(path, limit).map_err(|error| {
            let remedy = match error {
                ReadError::Missing | ReadError::BadPath(_) | ReadError::NotRegular(_) => Some("correct its path"),
                ReadError::Denied | ReadError::Refused(_) => Some("ask the owner of the file for the right to read it"),
                ReadError::TooLarge(_) | ReadError::Late | ReadError::Stopped => error.remedy(),
            };
            Diagnosis {
                cause: format!("cannot read {name}: {error}"),
                remedy: remedy.map(str::to_owned),
            }
        })?;
        Ok(Self {
            name,
            path: Some(path.to_owned()),
            text: contents.text,
        })
    }
}

/// Reads `stream` to its end, at most `limit` bytes.
///
/// # Errors
///
/// Returns the reason if `stream` cannot be read, or has more than `limit` bytes.
fn read_stream(stream: impl Read, limit: usize) -> Result<Plaintext, String> {
    let mut text = Plaintext::default();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match io::copy(&mut stream.take(most), &mut text) {
        Ok(_) if text.len() <= limit => Ok(text),
        Ok(_) => Err(ReadError::TooLarge(limit).to_string()),
        Err(error) => Err(read::reason(&error)),
    }
}
