//! One secret or rendered template, ready to be published.

use std::path::PathBuf;

use super::{
    at_path::AtPath,
    name::{EntryName, PlaceInGeneration},
    owner::Owner,
};
use crate::{system::mode::FileMode, text::printable::named};

/// One secret or rendered template, ready to be published.
pub struct Entry<'a> {
    /// Whether the entry is a secret or a template.
    pub kind: EntryKind,
    /// The name of the secret or template.
    pub name: EntryName,
    /// The bytes of the published file.
    pub content: &'a [u8],
    /// The permission bits of the published file, at most `0o7777`.
    pub mode: FileMode,
    /// The user and group that the published file belongs to.
    pub owner: Owner,
    /// The declared path, at which a symlink to the file or a copy of it is made. Nothing is made if the path is `None`, or is the
    /// file's own place.
    pub path: Option<PathBuf>,
    /// What is made at the declared path.
    pub at_path: AtPath,
    /// The file that is written when the published file changes, for programs that watch.
    pub watch_file: Option<PathBuf>,
    /// Units to restart when the entry is added or modified.
    pub restart_units: &'a [String],
    /// Units to reload when the entry is added or modified.
    pub reload_units: &'a [String],
}

/// The kind of an entry: secret or template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A decrypted value of a sops file, or a decrypted whole file.
    Secret,
    /// A template in which the placeholders were replaced by values.
    Template,
}

impl Entry<'_> {
    /// How messages name the entry: by its kind and its name.
    pub(crate) fn shown(&self) -> String {
        let noun = match self.kind {
            EntryKind::Secret => "secret",
            EntryKind::Template => "template",
        };
        format!("{noun} {}", named(self.name.as_str()))
    }

    /// Where the file lies in its generation.
    #[must_use]
    pub fn place(&self) -> PlaceInGeneration<'_> {
        match self.kind {
            EntryKind::Secret => PlaceInGeneration::of_secret(&self.name),
            EntryKind::Template => PlaceInGeneration::of_template(&self.name),
        }
    }
}
