//! A file that the manifest declares, as a rollback needs it.

use std::path::PathBuf;

use super::{
    at_path::AtPath,
    entry::EntryKind,
    name::{EntryName, PlaceInGeneration},
};

/// A file that the manifest declares, and the units that use it.
pub struct DeclaredFile<'a> {
    /// Whether it is that of a secret or of a template.
    pub kind: EntryKind,
    /// The name of the secret or template.
    pub name: &'a EntryName,
    /// Where the file lies in its generation.
    pub place: PlaceInGeneration<'a>,
    /// Its declared path.
    pub path: Option<PathBuf>,
    /// What is made at the declared path.
    pub at_path: AtPath,
    /// Units to restart when the file changes.
    pub restart_units: &'a [String],
    /// Units to reload when the file changes.
    pub reload_units: &'a [String],
    /// The file that is written when the file changes, for programs that watch.
    pub watch_file: Option<PathBuf>,
}
