//! A secret, template or directory as messages name it.

use std::fmt;

use crate::text::printable::named;

/// A secret or template, by the name that the manifest gives it. It is written as messages name it, such as `secret "db/password"`. A
/// manifest can have many entries and mostly has no fault, so the words are made only for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedEntry<'m> {
    Secret(&'m str),
    Template(&'m str),
    Directory(&'m str),
}

impl fmt::Display for NamedEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "secret {}", named(name)),
            Self::Template(name) => write!(f, "template {}", named(name)),
            Self::Directory(name) => write!(f, "directory {}", named(name)),
        }
    }
}
