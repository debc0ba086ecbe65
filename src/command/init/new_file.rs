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
    naming: Naming,
}

/// What may happen to a file of the same name.
#[derive(Clone, Copy)]
pub(crate) enum Naming {
    /// There was none when everything was decided, and one that was made meanwhile is kept.
    First,
    /// Somebody wants it to be replaced.
    Replacing,
}

impl NewFile {
    /// Writes a file that will get the name `target`, and makes the directories that it lies in.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot be written, or another file has its name.
    pub(crate) fn write(target: &Path, content: &[u8], naming: Naming) -> Result<Self, Diagnosis> {
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
            naming,
        };
        file.write_all(content).map_err(|error| failed("write", &new.path, &error))?;
        Ok(new)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot get this name, or another file has got it meanwhile.
    pub(crate) fn publish(self) -> Result<(), Diagnosis> {
        let named = match self.naming {
            Naming::Replacing => fs::rename(&self.path, &self.target),
            // A link, unlike a new name, replaces nothing. The other name is removed when the value is dropped.
            Naming::First => fs::hard_link(&self.path, &self.target),
        };
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => in_the_way(&self.target),
            _ => failed("write", &self.target, &error),
        })
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
