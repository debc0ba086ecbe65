//! Holds the messages about key sources. No message shows the content of a source.

use std::{fmt, path::PathBuf};

use super::{place::Place, problem::Problem};
use crate::text::{diagnosis::Diagnosis, encoding::Encoding, printable::shown, shell};

/// A message about a key source: information, or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// An SSH key was converted to an age identity. The message is information, not a warning.
    Imported {
        /// The file or key command that the SSH private key comes from.
        place: Place,
        /// The age recipient of the converted identity.
        recipient: String,
    },
    /// An SSH key was converted to an OpenPGP key. The message is information, not a warning.
    ImportedForPgp {
        /// The file or key command that the converted SSH private key comes from.
        place: Place,
        /// The fingerprint of the OpenPGP key in upper-case hex digits.
        fingerprint: String,
    },
    /// The manifest names no key, so these keys of the caller are used. The message is information, not a warning.
    OwnKeys(Vec<Place>),
    /// The mode of a key file lets others than its owner read or write the file. The file is used nevertheless.
    Exposed {
        /// The path of the key file.
        path: PathBuf,
        /// The permission bits of the key file.
        mode: u32,
    },
    /// The key file at this path begins with a byte order mark. The file is used nevertheless.
    Marked(PathBuf),
    /// A key source, or a part of one, gave no key.
    Unusable(Problem),
}

impl Notice {
    /// What is said, and what to do about it.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Imported { place, recipient } => {
                Diagnosis::bare(format!("Imported {place} as age key with fingerprint {recipient}"))
            }
            Self::ImportedForPgp { place, fingerprint } => {
                let fingerprint = fingerprint.to_lowercase();
                Diagnosis::bare(format!("Imported {place} as GPG key with fingerprint {fingerprint}"))
            }
            Self::OwnKeys(places) => {
                let places: Vec<_> = places.iter().map(ToString::to_string).collect();
                let places = places.join(", ");
                Diagnosis::bare(format!("the manifest names no key, so your own keys are used: {places}"))
            }
            Self::Exposed { path, mode } => Diagnosis::new(
                format!("{} has mode {mode:04o}, so {}", shown(path), exposure(*mode)),
                format!("run: chmod 600 {}", shell::path(path)),
            ),
            Self::Marked(path) => Diagnosis::new(
                format!("{}: {}, so other programs cannot read the file", shown(path), Encoding::Mark),
                format!("run: {}", Encoding::Mark.command(&shell::path(path))),
            ),
            Self::Unusable(problem) => Diagnosis {
                cause: format!("cannot use {problem}"),
                remedy: problem.remedy(),
            },
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis().fmt(f)
    }
}

/// Says which rights the group and others have on a key file of the mode `mode`.
fn exposure(mode: u32) -> String {
    let (group, others) = ((mode >> 3) & 0o6, mode & 0o6);
    let may = |who, rights| match rights {
        0o4 => format!("{who} can read it"),
        0o2 => format!("{who} can write to it"),
        _ => format!("{who} can read and write it"),
    };
    match (group, others) {
        (group, 0) => may("its group", group),
        // The others have every right that the group has, so only the others are named.
        (group, others) if group & !others == 0 => may("others", others),
        (group, others) => format!("{}, and {}", may("its group", group), may("others", others)),
    }
}
