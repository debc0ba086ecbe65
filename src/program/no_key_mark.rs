//! The mark that a host has no key in its first boot: for the unit that is not to start then, and for whoever asks later.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::text::{diagnosis::Diagnosis, printable::shown};

/// What the name of the mark has behind the name of the link to the secrets. The Nix modules know it, too.
const SUFFIX: &str = "no-key-yet";

/// The place of a mark.
pub(crate) struct NoKeyMark(PathBuf);

impl NoKeyMark {
    /// The mark beside the link `link`, which leads to the secrets.
    pub(crate) fn beside(link: &Path) -> Self {
        Self(link.with_added_extension(SUFFIX))
    }

    /// What the mark says; `None` if there is none.
    pub(crate) fn note(&self) -> Option<Diagnosis> {
        let text = fs::read_to_string(&self.0).ok()?;
        let (cause, remedy) = text.trim_end().split_once('\n')?;
        Some(Diagnosis::new(cause, remedy))
    }

    /// Makes the mark say `note`, or takes it away if there is none to say.
    ///
    /// # Errors
    ///
    /// If the file cannot be written or removed.
    pub(crate) fn set(&self, note: Option<&Diagnosis>) -> Result<(), Diagnosis> {
        let done = self.remove().and_then(|()| note.map_or(Ok(()), |note| self.write(note)));
        done.map_err(|error| {
            let cause = format!("cannot change {}: {error}", shown(&self.0));
            Diagnosis::new(cause, "make that directory writable")
        })
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self, note: &Diagnosis) -> io::Result<()> {
        // The program has no umask.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        let remedy = note.remedy.as_deref().unwrap_or_default();
        options
            .open(&self.0)?
            .write_all(format!("{}\n{remedy}\n", note.cause).as_bytes())
    }
}
