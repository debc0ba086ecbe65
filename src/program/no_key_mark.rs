//! The mark that an installation has found no key yet, for whoever asks later, and for the units that must not start then.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::history::is_missing;
use crate::text::{diagnosis::Diagnosis, printable::shown};

/// What the name of the mark has behind the name of the link to the secrets. The Nix modules know it too.
const SUFFIX: &str = "no-key-yet";

/// The place of a mark.
pub(crate) struct NoKeyMark(PathBuf);

/// What a mark says.
#[derive(Serialize, Deserialize)]
pub(crate) struct MarkedNote {
    /// What is so, and why.
    pub(crate) cause: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

impl NoKeyMark {
    /// The mark beside the link `link`, which leads to the secrets.
    pub(crate) fn beside(link: &Path) -> Self {
        Self(link.with_added_extension(SUFFIX))
    }

    pub(crate) fn is_there(&self) -> bool {
        !is_missing(&self.0)
    }

    /// What the mark says; `None` if there is none, or if another user than root may have made it.
    pub(crate) fn note(&self) -> Option<MarkedNote> {
        let status = self.0.symlink_metadata().ok()?;
        let text = (status.is_file() && status.uid() == 0).then(|| fs::read(&self.0).ok())??;
        serde_json::from_slice(&text).ok()
    }

    /// Makes the mark say `note`, or takes it away if there is none to say.
    ///
    /// # Errors
    ///
    /// If the file cannot be written or removed.
    pub(crate) fn set(&self, note: Option<&Diagnosis>) -> Result<(), Diagnosis> {
        let done = match note {
            None if !self.is_there() => Ok(()),
            None => self.remove(),
            Some(note) => self.write(note),
        };
        done.map_err(|error| {
            let cause = format!("cannot change {}: {error}", shown(&self.0));
            Diagnosis::bare(format!("{cause}; so sops-nix status may be wrong about the key of this host"))
        })
    }

    fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.0).or_else(|error| {
            if error.kind() == ErrorKind::NotFound {
                Ok(())
            } else {
                Err(error)
            }
        })
    }

    /// The file is always a new one: somebody may have put a symlink there.
    fn write(&self, note: &Diagnosis) -> io::Result<()> {
        self.remove()?;
        let note = MarkedNote {
            cause: note.cause.clone(),
            remedy: note.remedy.clone(),
        };
        // The program has no umask.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        options.open(&self.0)?.write_all(&serde_json::to_vec(&note)?)
    }
}
