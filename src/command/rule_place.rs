//! Finds the file `.sops.yaml`, as sops does: in a directory, or else in the nearest directory above.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

/// The name of the file with the rules of sops.
pub(crate) const RULE_FILE: &str = ".sops.yaml";

/// The directory of the nearest `.sops.yaml`, at `directory` or above.
pub(crate) fn nearest(directory: &Path, known: &mut HashMap<PathBuf, Option<PathBuf>>) -> Option<PathBuf> {
    if let Some(found) = known.get(directory) {
        return found.clone();
    }
    let found = if has_rule_file(directory) {
        Some(directory.to_owned())
    } else {
        directory.parent().and_then(|parent| nearest(parent, known))
    };
    known.insert(directory.to_owned(), found.clone());
    found
}

/// Whether there is a file `.sops.yaml`. One that cannot be looked at counts, so that an error names it.
fn has_rule_file(directory: &Path) -> bool {
    match directory.join(RULE_FILE).metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}
