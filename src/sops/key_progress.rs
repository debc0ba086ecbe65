//! How far a key leads, for messages.

use super::{
    key::{KeyPath, KeyStep},
    select_error::SelectError,
};

/// A key, and the number of its current step.
pub(crate) struct KeyProgress<'k> {
    pub(crate) key: &'k KeyPath,
    /// How many steps of the key come before the current step.
    pub(crate) depth: usize,
}

impl KeyProgress<'_> {
    /// The current step.
    pub(crate) fn step(&self) -> Option<&KeyStep> {
        self.key.steps().get(self.depth)
    }

    /// The key up to the current step, for a message.
    pub(crate) fn so_far(&self) -> String {
        self.key.first(self.depth.saturating_add(1)).to_string()
    }

    /// The same key, with the previous step as the current step.
    pub(crate) fn above(&self) -> Self {
        KeyProgress {
            key: self.key,
            depth: self.depth.saturating_sub(1),
        }
    }

    /// The error for a position in a list that has only `count` elements.
    pub(crate) fn beyond(&self, count: usize) -> SelectError {
        SelectError::Beyond {
            key: self.so_far(),
            list: self.above().so_far(),
            elements: counted(count, "element"),
        }
    }

    /// The error for a document of a file that has only `count` documents.
    pub(crate) fn no_document(&self, count: usize) -> SelectError {
        SelectError::NoDocument {
            key: self.so_far(),
            documents: counted(count, "document"),
        }
    }

    /// The error for a name that does not exist, with an existing key to suggest.
    pub(crate) fn missing(&self, nearest: Option<String>) -> SelectError {
        SelectError::Missing {
            key: self.so_far(),
            nearest,
        }
    }
}

/// So many elements or documents, and their positions.
fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}, [0]"),
        _ => format!("{count} {noun}s, [0] to [{}]", count.saturating_sub(1)),
    }
}
