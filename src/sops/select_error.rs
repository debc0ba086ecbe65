//! Why a key leads to no value that could be a secret, and what to do about it.

use thiserror::Error;

use super::{
    key::{KeyPath, KeyStep, marked},
    key_target::KeyTarget,
    tree::{Branch, Key, ScalarType, Value},
};

/// Why a key leads to no value that can be a secret.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SelectError {
    /// The map has no value with the name in the key.
    #[error("the key {} does not exist", marked(.key))]
    Missing {
        /// The key, up to the step that finds no value.
        key: String,
        /// An existing key with a similar spelling, which the message suggests.
        nearest: Option<String>,
    },
    /// The list has no element at the position in the key.
    #[error("the key {} does not exist: {} has {elements}", marked(.key), marked(.list))]
    Beyond {
        /// The key, up to the step that finds no value.
        key: String,
        /// The key of the list.
        list: String,
        /// How many elements the list has, and their positions.
        elements: String,
    },
    /// The file has no document at the position with which the key begins.
    #[error("the key {} does not exist: the file has {documents}", marked(.key))]
    NoDocument {
        /// The position of the document, in brackets.
        key: String,
        /// How many documents the file has, and their positions.
        documents: String,
    },
    /// No value has the name in the key, and the key begins like steps in brackets but continues otherwise.
    #[error("the key {} is written wrongly, from character {position} on", marked(.key))]
    Malformed {
        /// The whole key, as the user typed it.
        key: String,
        /// The position of the first character that belongs to no step in brackets, counted from 1.
        position: usize,
    },
    /// Several values have the name in the key. None of these values is taken, because one of them may be forged: anybody who can
    /// write the file can add an empty string, which nothing authenticates.
    #[error("the file has the key {} more than once", marked(.key))]
    Repeated {
        /// The key, up to the step that finds several values.
        key: String,
    },
    /// The key in brackets is spelled like a name in the file, and its steps lead to something too. Only one of the two is meant, and
    /// whoever can write the file may have added the other.
    #[error("the key {} is the name of a value, and leads to another one as well", marked(.key))]
    Ambiguous {
        /// The whole key, as it is spelled.
        key: String,
    },
    /// The key has a further step, but the value before this step has the wrong type. A name needs a map, and a position needs
    /// a list.
    #[error("the key {} does not exist: {} is {found}, not {expected}", marked(.wanted), marked(.key))]
    NotAMap {
        /// The key of the value that is no map, or no list.
        key: String,
        /// The type of this value, for the message.
        found: &'static str,
        /// The type that the step needs: a map or a list.
        expected: &'static str,
        /// The whole key that was wanted.
        wanted: String,
        /// An existing key that was probably meant, which the message suggests.
        nearest: Option<String>,
    },
    /// The value is no string, so its spelling in the file may be another than the one that is decrypted.
    #[error("the key {} is {found}, and a transform takes a string", marked(.key))]
    NotText {
        /// The whole key.
        key: String,
        /// The type of the value, for the message.
        found: &'static str,
    },
    /// The value exists, but is no scalar, and so cannot be written to a file.
    #[error("the key {} is {found}, not a single value", marked(.key))]
    NotAScalar {
        /// The whole key.
        key: String,
        /// The type of the value, for the message.
        found: &'static str,
        /// Advice for the user, if there is any.
        hint: Option<String>,
    },
}

impl SelectError {
    /// The error for a key that begins with a slash. The first name of such a key is empty, and a message about this name would
    /// show only `""`. So the message names the whole key.
    pub(crate) fn of_slash(self, key: &KeyPath) -> Self {
        match (&self, key.steps()) {
            (Self::Missing { .. } | Self::NotAMap { .. }, [KeyStep::Name(first), _, ..]) if first.is_empty() => Self::Missing {
                key: key.to_string(),
                nearest: None,
            },
            _ => self,
        }
    }

    /// The error for a key that leads to something that is no scalar.
    pub(crate) fn not_a_scalar<S>(key: &KeyPath, found: &KeyTarget<'_, S>) -> Self {
        Self::NotAScalar {
            key: key.to_string(),
            found: found.type_name(),
            hint: hint(key, found),
        }
    }

    /// Fails for a key that leads to a value of another type than text.
    pub(crate) fn unless_text(key: &KeyPath, kind: ScalarType) -> Result<(), Self> {
        let key = || key.to_string();
        (kind == ScalarType::Text).then_some(()).ok_or_else(|| Self::NotText {
            key: key(),
            found: kind.name(),
        })
    }

    /// The error for a key that leads to a comment. As in sops, comments in a list count as elements.
    pub(crate) fn comment(key: &KeyPath) -> Self {
        Self::NotAScalar {
            key: key.to_string(),
            found: "a comment",
            hint: Some(COMMENTS_COUNT.to_owned()),
        }
    }

    /// Advice for the user. Returns `None` if there is no advice, or if the advice depends on the file.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Missing { nearest, .. } | Self::NotAMap { nearest, .. } => {
                nearest.as_ref().map(|key| format!("did you mean {}?", marked(key)))
            }
            Self::Malformed { .. } => {
                Some("write each name as [\"name\"] and each position as [0], with nothing in between".to_owned())
            }
            Self::NotAScalar { hint, .. } => hint.clone(),
            Self::Beyond { .. } | Self::NoDocument { .. } => Some("correct the position".to_owned()),
            Self::Repeated { .. } | Self::Ambiguous { .. } | Self::NotText { .. } => None,
        }
    }
}

/// Advice for a key that leads to a comment.
const COMMENTS_COUNT: &str = "comments count as elements, as they do for sops";

/// Advice for a key that leads to a value that is no scalar.
fn hint<S>(key: &KeyPath, found: &KeyTarget<'_, S>) -> Option<String> {
    match (found, found.map()) {
        (_, Some(map)) => {
            let inner = inner_key(key, map);
            Some(format!(
                "{inner}set as = \"json\" or \"yaml\" for all of it, or set key to \"\" for the whole file"
            ))
        }
        (KeyTarget::Value(Value::List(elements)), _) => Some(format!(
            "{}set as = \"lines\" or \"json\" for all of them",
            element(key, elements)
        )),
        (KeyTarget::Value(Value::Comment(_)), _) => Some(COMMENTS_COUNT.to_owned()),
        _ => None,
    }
}

/// The advice to name a key inside the map under `key`, with the first such key as the example.
fn inner_key<S>(key: &KeyPath, inner: &Branch<S>) -> String {
    let name = inner.items.iter().find_map(|item| match &item.key {
        Key::Name(name) => Some(String::from_utf8_lossy(name).into_owned()),
        Key::Comment(_) | Key::Other(_) => None,
    });
    let depth = key.steps().len();
    name.map_or(String::new(), |name| {
        let first = key.with(depth, depth, KeyStep::Name(name));
        format!("set key to a key inside it, such as {}, ", marked(&first.to_string()))
    })
}

/// The advice to name an element of the list under `key`, with the first as the example. Comments are skipped.
fn element<S>(key: &KeyPath, elements: &[Value<S>]) -> String {
    let index = elements.iter().position(|element| !matches!(element, Value::Comment(_)));
    let depth = key.steps().len();
    index.map_or(String::new(), |index| {
        let first = key.with(depth, depth, KeyStep::Index(index));
        format!("set key to one of its elements, such as {}, or ", marked(&first.to_string()))
    })
}
