//! Reads files on which it depends where credentials go, or which credentials there are: others must not be able to write them.

use std::{fmt, fs::File, io, io::Read as _, os::unix::fs::MetadataExt as _};

use rustix::{
    fs::{Mode, OFlags},
    process::geteuid,
};
use zeroize::Zeroizing;

use crate::fault::{Fault, Kind};

/// The most bytes of a file: 1 MiB.
const MOST: u64 = 1 << 20;

/// Who may write a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Root, or the user of this process. For a file that names servers or programs.
    Reader,
    /// Its owner, whoever that is: an agent writes its token as its own user. For a file that holds a credential and nothing else.
    Owner,
}

/// Why a file is not used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// There is no such file.
    Missing(io::Error),
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is a pipe, a device or a directory: reading it may take for ever.
    NotRegular,
    /// Its group or others may write it.
    Writable,
    /// It belongs to another user than root and the user of this process.
    Foreign,
}

/// Opens the regular file at `path`. Nobody is waited for: not even for the writer of a pipe.
///
/// # Errors
///
/// If it cannot be opened or is no regular file.
pub(crate) fn open(path: &str) -> Result<File, Unusable> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(Unusable::NotRegular)
    }
}

/// The text of the file at `path`.
///
/// # Errors
///
/// If it cannot be read, is no regular file, no text or too long, or others than `writer` may write it.
pub(crate) fn read(path: &str, writer: Writer) -> Result<Zeroizing<String>, Unusable> {
    let file = open(path)?;
    let about = file.metadata()?;
    let is_owner_trusted = writer == Writer::Owner || about.uid() == 0 || about.uid() == geteuid().as_raw();
    if !is_owner_trusted {
        return Err(Unusable::Foreign);
    }
    if about.mode() & 0o022 != 0 {
        return Err(Unusable::Writable);
    }
    // The buffer is as large as the file, so that no part of it is left behind when it grows.
    let length = usize::try_from(about.len().min(MOST)).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(length.max(4096) + 1));
    file.take(MOST + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MOST) {
        return Err(Unusable::Unreadable(io::Error::other("it has more than 1 MiB")));
    }
    Ok(text)
}

impl Unusable {
    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }

    /// The fault of the file at `path`. `if_missing`: what to do if it is missing.
    pub(crate) fn fault(&self, path: &str, if_missing: &str) -> Fault {
        let fault = Fault::new(Kind::NoCredentials, format!("{path}: {self}"));
        match self {
            Self::Missing(_) => fault.remedy(if_missing),
            Self::Unreadable(_) => fault.remedy("give root the right to read it, or repair it"),
            Self::NotRegular => fault.remedy("put a regular file in its place"),
            Self::Writable => fault.remedy(format!("let nobody but its owner write it: chmod go-w {path}")),
            Self::Foreign => fault.remedy("make a copy that belongs to root, and name that one"),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) | Self::Unreadable(error) => error.fmt(out),
            Self::NotRegular => out.write_str("it is no regular file"),
            Self::Writable => out.write_str("others than its owner may write it"),
            Self::Foreign => out.write_str("it belongs to somebody else than root and the user of this run"),
        }
    }
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(error),
            _ => Self::Unreadable(error),
        }
    }
}
