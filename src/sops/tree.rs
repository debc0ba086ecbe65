//! The ordered tree of a sops file: maps, lists, scalars and comments.
//!
//! The tree is generic over how its text is held. Before decryption, a text is [`Stored`]: borrowed from the file, and maybe
//! encrypted. After decryption, a text is [`Opened`]. So the compiler does not accept an undecrypted tree for a function that
//! needs a decrypted tree.

use std::{borrow::Cow, sync::Arc};

use crate::system::plaintext::Plaintext;

/// A text as it stands in a sops file. The text is borrowed from the bytes of the file, unless escapes had to be decoded.
pub type Stored<'a> = Cow<'a, [u8]>;

/// A text of a decrypted sops file. It is shared with the secrets that are made of it, so that no secret is copied.
pub type Opened = Arc<Plaintext>;

/// The type of a scalar.
///
/// The text of a scalar is always in one canonical form, which is hashed for the MAC:
///
/// - Integers are decimal.
/// - Floats have no exponent, and the fewest digits that are read back as the same float (see
///   [`number::positional`](crate::sops::number::positional)).
/// - Booleans are `True` or `False`.
/// - Times are in RFC 3339, with a fraction of up to nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// A string of any bytes, which are UTF-8 in most files.
    Text,
    /// An integer that fits into an `i64`.
    Integer,
    /// An integer above `i64::MAX`. Only YAML can spell such an integer, and sops refuses a file that contains one.
    Unsigned,
    /// A float: an IEEE 754 double.
    Float,
    /// A boolean: true or false.
    Boolean,
    /// A time, with its offset from UTC.
    Time,
}

/// A comment of a sops file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment<S> {
    /// The text of the comment, without the mark that opens the comment.
    pub text: S,
    /// Whether the comment stood behind a value on the same line, and is printed there again. Only YAML has such comments.
    /// False for a comment that was encrypted.
    pub inline: bool,
}

/// A value in the tree of a sops file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<S> {
    /// No value: null.
    Null,
    /// A leaf: its type, and its text in canonical form.
    Scalar(ScalarType, S),
    /// A comment in a list, or a comment that was stored in the place of a value.
    Comment(Comment<S>),
    /// A list, in the order of the file. Comments in the list are elements.
    List(Vec<Value<S>>),
    /// A map, in the order of the file.
    Map(Branch<S>),
}

/// Limit: a message shows at most this many characters of a key.
const MOST_OF_KEY: usize = 200;
/// Limit: a message shows at most this many keys of a path. The innermost keys are shown.
const MOST_OF_PATH: usize = 10;

/// A key as a message shows it. Whoever wrote the file chose the key, so its length is limited and its control characters are
/// escaped. A key must not end the line, control the terminal or fill the journal.
pub(crate) fn shown(key: &[u8]) -> String {
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    // Only the start of a long key is decoded. A character has at most four bytes, so the start has more characters than are
    // shown, and the `…` at the end tells that the key is cut.
    let start = key.get(..4 * (MOST_OF_KEY + 1)).unwrap_or(key);
    let text = String::from_utf8_lossy(start);
    let end = if text.chars().nth(MOST_OF_KEY).is_some() { "…" } else { "" };
    let escaped: String = text.chars().take(MOST_OF_KEY).map(escape).collect();
    escaped + end
}

/// The path of a value as a message shows it: the keys joined by slashes, as in a manifest. Only the innermost keys of a long
/// path are shown.
pub(crate) fn shown_path(keys: &[&[u8]]) -> String {
    let left_out = keys.len().saturating_sub(MOST_OF_PATH);
    let mut shown_keys: Vec<_> = keys.iter().skip(left_out).map(|key| shown(key)).collect();
    if left_out > 0 {
        shown_keys.insert(0, "…".to_owned());
    }
    shown_keys.join("/")
}

/// The key of a map item, or a comment between the items of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<S> {
    /// A key that is a string, with its escapes decoded. Keys are not secret: sops stores them in the clear.
    Name(Vec<u8>),
    /// A comment between the items of a map. The item of a comment has the value [`Value::Null`].
    Comment(Comment<S>),
    /// A key that is not a string. Only YAML can spell such a key, and sops refuses a file that contains one. The text is the
    /// type of the key, for the error.
    Other(&'static str),
}

/// One item of a map: a key with its value, or a comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<S> {
    /// The key of the item, or a comment in the place of a key.
    pub key: Key<S>,
    /// The value of the map item; null for a comment.
    pub value: Value<S>,
}

/// A map or a whole document, in the order of the file. Keys may repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<S> {
    /// The items of the map, in the order of the file.
    pub items: Vec<Item<S>>,
}

impl<S> Default for Branch<S> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<S> Branch<S> {
    /// The first value under `name`. Returns `None` if there is no such value.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Value<S>> {
        self.items
            .iter()
            .find_map(|item| matches!(&item.key, Key::Name(key) if key == name).then_some(&item.value))
    }

    /// The names of the items, without comments and keys that are no strings.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| match &item.key {
            Key::Name(name) => Some(name.as_slice()),
            _ => None,
        })
    }
}

impl<S> Value<S> {
    /// The name of the value's type for messages, such as `a list`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Scalar(kind, _) => kind.name(),
            Self::Comment(_) => "a comment",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl ScalarType {
    /// The name of the scalar's type for messages, such as `an integer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Unsigned => "an integer above 9223372036854775807",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Time => "a time",
        }
    }
}
