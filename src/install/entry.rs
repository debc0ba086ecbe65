//! One file to publish.

use std::path::PathBuf;

use super::{
    name::{EntryName, PlaceInGeneration},
    owner::Owner,
};
use crate::system::mode::FileMode;

/// One file to publish.
pub struct Entry<'a> {
    /// Secret or template.
    pub kind: EntryKind,
    /// What it is called.
    pub name: EntryName,
    /// The content of the file.
    pub content: &'a [u8],
    /// Permission bits.
    pub mode: FileMode,
    /// User and group.
    pub owner: Owner,
    /// The declared path, at which a symlink to the file is made. `None`, or the file's own place, asks for no symlink.
    pub path: Option<PathBuf>,
    /// Units to restart when it is added or modified.
    pub restart_units: &'a [String],
    /// Units to reload when it is added or modified.
    pub reload_units: &'a [String],
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A decrypted value or file.
    Secret,
    /// A template with its placeholders replaced.
    Template,
}

impl Entry<'_> {
    /// What messages call it.
    pub(crate) fn shown(&self) -> String {
        let noun = match self.kind {
            EntryKind::Secret => "secret",
            EntryKind::Template => "template",
        };
        format!("{noun} {}", self.name)
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
