//! Messages about key sources. They never show the content of a source.

use std::{fmt, path::PathBuf};

use super::problem::{Place, Problem};
use crate::text::{encoding::Encoding, shell};

/// Something worth telling about a source of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// An SSH key was converted to an age identity. Information, not a warning.
    Imported {
        /// The SSH private key.
        place: Place,
        /// The age recipient of that identity.
        recipient: String,
    },
    /// An SSH key was converted to an OpenPGP key. Information, not a warning.
    ImportedForPgp {
        /// The SSH private key.
        place: Place,
        /// The fingerprint in upper-case hex digits.
        fingerprint: String,
    },
    /// Nobody named a key, and these of the caller's own are used. Information, not a warning.
    OwnKeys(Vec<Place>),
    /// A key file that others than its owner may read or write. It is used nevertheless.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file that begins with a byte order mark. It is used nevertheless.
    Marked(PathBuf),
    /// A source, or a part of one, that gave no key.
    Unusable(Problem),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imported { place, recipient } => write!(f, "Imported {place} as age key with fingerprint {recipient}"),
            Self::ImportedForPgp { place, fingerprint } => {
                write!(
                    f,
                    "Imported {place} as GPG key with fingerprint {}",
                    fingerprint.to_lowercase()
                )
            }
            Self::OwnKeys(places) => {
                let places: Vec<_> = places.iter().map(ToString::to_string).collect();
                write!(f, "the manifest names no key, so your own are used: {}", places.join(", "))
            }
            Self::Exposed { path, mode } => {
                write!(
                    f,
                    "{}: mode {mode:04o} lets {}; run: chmod 600 {}",
                    path.display(),
                    exposure(*mode),
                    shell::path(path)
                )
            }
            Self::Marked(path) => write!(
                f,
                "{}: {}, and other programs will not read it; run: {}",
                path.display(),
                Encoding::Mark,
                Encoding::Mark.command(&shell::path(path))
            ),
            Self::Unusable(problem) => {
                write!(f, "cannot use {problem}")?;
                problem.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
            }
        }
    }
}

/// Who may do what with a key file of this mode.
fn exposure(mode: u32) -> String {
    let (group, others) = ((mode >> 3) & 0o6, mode & 0o6);
    let may = |who, rights| match rights {
        0o4 => format!("{who} read it"),
        0o2 => format!("{who} write to it"),
        _ => format!("{who} read and write it"),
    };
    match (group, others) {
        (group, 0) => may("its group", group),
        // What the group may do, everybody may.
        (group, others) if group & !others == 0 => may("others", others),
        (group, others) => format!("{}, and {}", may("its group", group), may("others", others)),
    }
}
