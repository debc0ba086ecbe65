//! One file to publish.

use std::{borrow::Cow, path::PathBuf};

use super::owner::Owner;

/// What the place of a rendered template in a generation begins with.
pub(crate) const TEMPLATE_PREFIX: &str = "rendered/";

/// One file to publish.
pub struct Entry<'a> {
    /// Secret or template.
    pub kind: EntryKind,
    /// Relative name: no empty part, no `.`, no `..`, no NUL.
    pub name: &'a str,
    /// The content of the file.
    pub content: &'a [u8],
    /// Permission bits.
    pub mode: u32,
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
    /// The path of the file below the directory of its generation.
    #[must_use]
    pub fn location(&self) -> Cow<'_, str> {
        match self.kind {
            EntryKind::Secret => Cow::Borrowed(self.name),
            EntryKind::Template => Cow::Owned(format!("{TEMPLATE_PREFIX}{}", self.name)),
        }
    }
}
