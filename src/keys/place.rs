//! The place that a key comes from: a file, a variable, a credential, or a line of one of these.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::text::printable::shown;

/// The place that a key comes from, or should have come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The path of a file.
    File(PathBuf),
    /// The name of an environment variable.
    Variable(&'static str),
    /// The name of a systemd credential.
    Credential(String),
    /// A line of a key source: the number of the line, counted from 1, and the source.
    Line(usize, Box<Place>),
}

impl Place {
    /// The place of the line `number` of this source.
    pub(crate) fn line(&self, number: usize) -> Self {
        Self::Line(number, Box::new(self.clone()))
    }

    /// The whole key source: for a line, the source that has the line; otherwise the place itself.
    pub(crate) fn source(&self) -> Self {
        match self {
            Self::Line(_, place) => place.source(),
            source => source.clone(),
        }
    }

    /// The path of the file. Returns `None` if the place is neither a file nor a line of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Variable(_) | Self::Credential(_) => None,
            Self::Line(_, place) => place.path(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&shown(path)),
            Self::Variable(name) => f.write_str(name),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Line(number, place) => write!(f, "line {number} of {place}"),
        }
    }
}
