//! Reads what a command is given: a file, or standard input.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    system::{
        plaintext::Plaintext,
        read::{self, ReadError},
    },
    text::{diagnosis::Diagnosis, printable::one_line},
};

/// One text that a command is given.
pub(crate) struct Input {
    /// What messages call it.
    pub(crate) name: String,
    /// Its path. `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// The text. It may be a private key.
    pub(crate) text: Plaintext,
}

impl Input {
    /// Reads the file at `path`, or standard input for the path `-`. At most `limit` bytes are read.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot be read or is larger.
    pub(crate) fn read(path: &Path, limit: usize) -> Result<Self, Diagnosis> {
        if path == Path::new("-") {
            return Self::read_standard_input(limit);
        }
        let name = one_line(&path.to_string_lossy());
        let contents = read::read(path, limit).map_err(|error| {
            let remedy = match error {
                ReadError::Missing | ReadError::NotRegular(_) => Some("correct its path"),
                ReadError::Refused(_) => Some("ask its owner for the right to read it"),
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

    fn read_standard_input(limit: usize) -> Result<Self, Diagnosis> {
        let mut text = Plaintext::default();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let cause = match io::copy(&mut io::stdin().lock().take(most), &mut text) {
            Ok(_) if text.len() <= limit => None,
            Ok(_) => Some(ReadError::TooLarge(limit).to_string()),
            Err(error) => Some(read::reason(&error)),
        };
        match cause {
            None => Ok(Self {
                name: "standard input".to_owned(),
                path: None,
                text,
            }),
            Some(cause) => Err(Diagnosis::bare(format!("cannot read standard input: {cause}"))),
        }
    }
}
