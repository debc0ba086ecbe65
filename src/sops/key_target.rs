//! What a key leads to.

use super::tree::{Branch, Value};

/// What a key leads to.
pub enum KeyTarget<'t, S> {
    /// All documents of the file.
    File(&'t [Branch<S>]),
    /// A whole document.
    Document(&'t Branch<S>),
    /// A value in a document.
    Value(&'t Value<S>),
}

impl<'t, S> KeyTarget<'t, S> {
    /// The map that was found, or the document. `None` for anything else.
    pub(crate) fn map(&self) -> Option<&'t Branch<S>> {
        match *self {
            Self::Document(map) | Self::Value(Value::Map(map)) => Some(map),
            Self::File(_) | Self::Value(_) => None,
        }
    }

    /// The name of its type for messages, such as `a list`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::File(_) => "a file",
            Self::Document(_) => "a map",
            Self::Value(value) => value.type_name(),
        }
    }
}
