//! The ordered tree that a sops file is: maps, lists, scalars and comments.
//!
//! The tree is generic over how its text is held: [`Stored`] (borrowed from the file, encrypted or not) before decryption,
//! `Plaintext` after it. So the compiler does not accept an undecrypted tree for a function that needs a decrypted one.

use std::borrow::Cow;

/// Text as it stands in a sops file, borrowed from the bytes of the file unless it had to be unescaped.
pub type Stored<'a> = Cow<'a, [u8]>;

/// What a scalar stands for.
///
/// The text of a scalar is always in one canonical form, which is hashed for the MAC: decimal for integers, the
/// shortest positional form that round-trips for floats (see [`number::positional`](crate::sops::number::positional)), `True` or
/// `False` for booleans, RFC 3339 with up to nanoseconds for times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// Any bytes, mostly UTF-8.
    Text,
    /// A whole number that fits an `i64`.
    Integer,
    /// A whole number above `i64::MAX`. Only YAML can spell it, and sops refuses a file with one.
    Unsigned,
    /// An IEEE 754 double.
    Float,
    /// True or false.
    Boolean,
    /// An instant with its offset from UTC.
    Time,
}

/// The text of a comment, without the mark that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment<S> {
    /// The text behind the mark.
    pub text: S,
    /// Whether the comment stood behind a value, at the end of its line, and is printed there again (YAML only). False for a
    /// comment that was encrypted.
    pub inline: bool,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<S> {
    /// No value at all.
    Null,
    /// A leaf, its text in canonical form.
    Scalar(ScalarType, S),
    /// A comment in a list, or one that was stored in the place of a value.
    Comment(Comment<S>),
    /// An ordered list; its comments are elements.
    List(Vec<Value<S>>),
    /// An ordered map.
    Map(Branch<S>),
}

/// The most characters that are shown of a key.
const MOST_OF_KEY: usize = 200;
/// The most keys that are shown of a path, the innermost ones.
const MOST_OF_PATH: usize = 10;

/// A key for a message. Whoever wrote the file chose it, so its length is limited and its control characters are escaped: it must
/// neither end the line, nor control the terminal, nor fill the journal.
pub(crate) fn shown(key: &[u8]) -> String {
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    // A character has at most four bytes, so this keeps one character more than is shown.
    let start = key.get(..4 * (MOST_OF_KEY + 1)).unwrap_or(key);
    let text = String::from_utf8_lossy(start);
    let end = if text.chars().nth(MOST_OF_KEY).is_some() { "…" } else { "" };
    let escaped: String = text.chars().take(MOST_OF_KEY).map(escape).collect();
    escaped + end
}

/// The keys down to a place for a message, joined by slashes as in a manifest. Of a long path, only the innermost keys are shown.
pub(crate) fn shown_path(keys: &[&[u8]]) -> String {
    let left_out = keys.len().saturating_sub(MOST_OF_PATH);
    let mut shown_keys: Vec<_> = keys.iter().skip(left_out).map(|key| shown(key)).collect();
    if left_out > 0 {
        shown_keys.insert(0, "…".to_owned());
    }
    shown_keys.join("/")
}

/// The key of a value, or a comment in the place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<S> {
    /// An ordinary key, decoded. Key names are not secret: sops stores them in the clear.
    Name(Vec<u8>),
    /// A comment between the entries. Its item has the value [`Value::Null`].
    Comment(Comment<S>),
    /// A key that is no string. Only YAML can spell it, and sops refuses a file with one. The text names its type, for the error.
    Other(&'static str),
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<S> {
    /// The key, or a comment.
    pub key: Key<S>,
    /// The value; null for a comment.
    pub value: Value<S>,
}

/// A map, or a document, in the order of the file. Keys may repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<S> {
    /// The entries in order.
    pub items: Vec<Item<S>>,
}

impl<S> Default for Branch<S> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<S> Branch<S> {
    /// The first value under `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Value<S>> {
        self.items
            .iter()
            .find_map(|item| matches!(&item.key, Key::Name(key) if key == name).then_some(&item.value))
    }

    /// The names of the entries.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| match &item.key {
            Key::Name(name) => Some(name.as_slice()),
            _ => None,
        })
    }
}

impl<S> Value<S> {
    /// The name of the value's type, as messages say it.
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
    /// The name of the type, as messages say it.
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
