//! Writes age identities to a new file that only its owner can read.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use crate::{
    system::{plaintext::Plaintext, read},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Writes `identities`, each with its recipient, to a new file at `path`, in the form that age-keygen writes.
///
/// # Errors
///
/// Returns a message for people if there is no identity, if something is at `path` already, or if the file cannot be written. A
/// file that was written only in part is removed.
pub(crate) fn write(path: &Path, identities: &[(String, Plaintext)]) -> Result<(), Diagnosis> {
    let name = shown(path);
    if identities.is_empty() {
        let cause = format!("cannot write {name}: no private ed25519 key was given");
        return Err(Diagnosis::new(cause, "name a file with such a key"));
    }
    create(path, &content(identities)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Diagnosis::new(
            format!("cannot write {name}: it exists already, and may have other keys"),
            "name a new file; to have all keys in one file, append the new file to the old one",
        ),
        _ => Diagnosis::bare(format!("cannot write {name}: {}", read::reason(&error))),
    })
}

/// The failure that nothing is written to `path`, because some keys cannot be converted.
pub(crate) fn not_written(path: &Path) -> Diagnosis {
    let name = shown(path);
    Diagnosis::new(
        format!("{name} is not written, because not all keys can be converted"),
        "see the errors above",
    )
}

fn content(identities: &[(String, Plaintext)]) -> Plaintext {
    let mut text = Plaintext::default();
    for (recipient, identity) in identities {
        text.push(format!("# public key: {recipient}\n").as_bytes());
        text.push(identity.expose());
        text.push(b"\n");
    }
    text
}

/// Makes the file, and the directories in which it lies. A file that was written only in part is removed.
fn create(path: &Path, content: &Plaintext) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(content.expose()).and_then(|()| file.sync_all());
    written.inspect_err(|_| {
        // The first error is reported. If the file cannot be removed either, it stays, but only its owner can read it.
        let _ = fs::remove_file(path);
    })
}
