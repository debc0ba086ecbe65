//! Why a child process gave no result.

use std::{fmt, io, time::Duration};

use rustix::io::Errno;

use super::read::reason;

/// Limit: a child may write at most this many bytes (16 MiB) to its standard output. A file of age identities has the same limit.
/// More output is an error.
pub(crate) const MOST_OUTPUT: usize = 16 << 20;

/// Why a child gave no result. The caller names the program in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildError {
    /// The program does not exist.
    Missing,
    /// The system refused to start the child or to exchange data with it. The value is the error of the system.
    Refused(String),
    /// The child did not end within this time, and was killed.
    Late(Duration),
    /// The child wrote more output than the limit allows.
    TooMuch,
    /// This process was told to end. The child was killed, or was not started.
    Stopped,
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such program"),
            Self::Refused(reason) => write!(f, "cannot be run: {reason}"),
            Self::Late(timeout) => write!(f, "no answer within {} s", timeout.as_secs()),
            Self::TooMuch => write!(f, "its answer is larger than {} MiB", MOST_OUTPUT >> 20),
            Self::Stopped => f.write_str("stopped: this run was told to end"),
        }
    }
}

impl From<io::Error> for ChildError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Refused(reason(&error)),
        }
    }
}

impl From<Errno> for ChildError {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}
