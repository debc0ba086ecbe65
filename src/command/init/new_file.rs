//! A new file beside the one that it will replace.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    system::read,
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// A new file beside the one that it will replace. It is removed when the value is dropped, unless it was published.
pub(crate) struct NewFile {
    /// Where it is until then.
    pub(crate) path: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Writes a file that will replace `target`, and makes the directories that it lies in.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot be written, or another file has its name.
    pub(crate) fn write(target: &Path, content: &[u8]) -> Result<Self, Diagnosis> {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| failed("make", parent, &error))?;
        }
        let path = target.with_added_extension("new");
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => in_the_way(&path),
            _ => failed("write", &path, &error),
        })?;
        let new = Self {
            path,
            target: target.to_owned(),
        };
        file.write_all(content).map_err(|error| failed("write", &new.path, &error))?;
        Ok(new)
    }

    /// Gives the file the name of the one that it replaces.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot be renamed.
    pub(crate) fn publish(self) -> Result<(), Diagnosis> {
        fs::rename(&self.path, &self.target).map_err(|error| failed("write", &self.target, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After it was published, there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

/// The failure of a file that an earlier run has left, or that somebody else has made.
fn in_the_way(path: &Path) -> Diagnosis {
    Diagnosis::new(
        format!("{} is in the way", shown(path)),
        format!("if nobody needs this file, run: rm {}", shell::path(path)),
    )
}

/// The failure of something that cannot be done with a path.
pub(crate) fn failed(verb: &str, path: &Path, error: &io::Error) -> Diagnosis {
    Diagnosis::bare(format!("cannot {verb} {}: {}", shown(path), read::reason(error)))
}
