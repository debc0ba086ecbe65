//! What the two flat formats, dotenv and INI, share: typed values as text, and nested metadata in flat keys.

use std::{borrow::Cow, collections::BTreeMap, num::IntErrorKind};

use thiserror::Error;

use super::EmitError;
use crate::{
    plaintext::Plaintext,
    sops::{
        number, time,
        tree::{Branch, Item, Key, Kind, Stored, Value, shown},
    },
};

/// Writes one scalar: floats so that they are not mistaken for integers, times to the second.
pub(super) fn emit_scalar(kind: Kind, text: &Plaintext) -> Plaintext {
    let spelled = str::from_utf8(text.expose()).ok().and_then(|text| match kind {
        Kind::Float => text.parse().ok().map(float),
        Kind::Boolean => Some(text.to_ascii_lowercase()),
        Kind::Time => time::to_seconds(text),
        Kind::Text | Kind::Integer | Kind::Unsigned => None,
    });
    spelled.map_or_else(|| Plaintext::from(text.expose().to_vec()), Plaintext::from)
}

/// Go's `FormatFloat(number, 'G', -1, 64)`, with one decimal where that looks like an integer.
fn float(number: f64) -> String {
    let text = number::compact(number).replace('e', "E");
    let plain = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    if plain { text + ".0" } else { text }
}

/// Writes the value of `key`, which is in the error if the format has no spelling for it.
pub(super) fn emit_value(key: &[u8], value: &Value<Plaintext>) -> Result<Plaintext, EmitError> {
    match value {
        Value::Null => Ok(Plaintext::from("<nil>".to_owned())),
        Value::Scalar(kind, text) => Ok(emit_scalar(*kind, text)),
        Value::Comment(_) | Value::List(_) | Value::Map(_) => Err(EmitError(format!(
            "the value of {} is {}, and the format is flat",
            shown(key),
            value.type_name(),
        ))),
    }
}

/// The text with each of the two-character sequences `\n` turned into a line feed.
pub(crate) fn with_line_feeds(text: Stored<'_>) -> Stored<'_> {
    if !text.windows(2).any(|pair| pair == b"\\n") {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = &text;
    loop {
        rest = match rest {
            [b'\\', b'n', tail @ ..] => {
                out.push(b'\n');
                tail
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
            [] => return Cow::Owned(out),
        };
    }
}

/// Why flat keys do not describe a nested section.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlatError {
    /// Two values in one place.
    #[error("the metadata key {0} occurs twice")]
    Duplicate(String),
    /// A place that is a value and a list or map at once, or a list and a map.
    #[error("the metadata under {0} is of two types at once")]
    Mismatch(String),
    /// Indices other than 0, 1, 2 and so on.
    #[error("the metadata list {0} has a gap")]
    Incomplete(String),
    /// More levels than any real metadata has.
    #[error("the metadata key {0}… is nested too deeply")]
    TooDeep(String),
}

/// The levels that a key can have. sops itself needs six.
const MAX_DEPTH: usize = 32;

/// One step of a flat key.
enum Step<'a> {
    Name(&'a [u8]),
    Index(i64),
}

/// A place in the nested section, which ought to be exactly one of the three.
#[derive(Default)]
struct Node<'a> {
    value: Option<Value<Stored<'a>>>,
    names: BTreeMap<Vec<u8>, Node<'a>>,
    indices: BTreeMap<i64, Node<'a>>,
}

/// The nested form of a section with keys like `age__list_0__map_enc`. Comments are dropped, names come out sorted.
pub(crate) fn unflatten(section: Branch<Stored<'_>>) -> Result<Branch<Stored<'_>>, FlatError> {
    let mut root = Node::default();
    for item in section.items {
        if let Key::Name(key) = item.key {
            place(&mut root, &key, item.value)?;
        }
    }
    match root.nested().map_err(Misplaced::tell)? {
        Value::Map(branch) => Ok(branch),
        _ => Ok(Branch::default()),
    }
}

/// Puts a value where its key says.
fn place<'a>(root: &mut Node<'a>, key: &[u8], value: Value<Stored<'a>>) -> Result<(), FlatError> {
    let mut node = root;
    for (depth, step) in steps(key).enumerate() {
        if depth >= MAX_DEPTH {
            return Err(FlatError::TooDeep(shown(key.get(..40).unwrap_or(key))));
        }
        node = match step {
            Step::Name(name) => node.names.entry(name.to_vec()).or_default(),
            Step::Index(index) => node.indices.entry(index).or_default(),
        };
    }
    if node.value.replace(value).is_some() {
        return Err(FlatError::Duplicate(shown(key)));
    }
    Ok(())
}

/// Splits a key at its separators. There is no way to have one in a name.
fn steps(key: &[u8]) -> impl Iterator<Item = Step<'_>> {
    let mut rest = Some(key);
    let mut in_list = false;
    std::iter::from_fn(move || {
        let (token, follows) = split(rest?);
        let step = if in_list {
            Step::Index(index(token))
        } else {
            Step::Name(token)
        };
        (in_list, rest) = match follows {
            Some((list, tail)) => (list, Some(tail)),
            None => (false, None),
        };
        Some(step)
    })
}

/// The text up to the next separator; whether that is the list's, and the text behind it.
fn split(key: &[u8]) -> (&[u8], Option<(bool, &[u8])>) {
    for (position, _) in key.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let (token, tail) = key.split_at(position);
        if let Some(tail) = tail.strip_prefix(b"__map_") {
            return (token, Some((false, tail)));
        }
        if let Some(tail) = tail.strip_prefix(b"__list_") {
            return (token, Some((true, tail)));
        }
    }
    (key, None)
}

/// An index as Go's `Atoi` reads it with its error ignored: what is no number is 0, what is too large is the largest.
fn index(token: &[u8]) -> i64 {
    let text = str::from_utf8(token).unwrap_or_default();
    text.parse()
        .unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => i64::MAX,
            IntErrorKind::NegOverflow => i64::MIN,
            _ => 0,
        })
}

/// A place that is not what it ought to be.
struct Misplaced {
    /// What is wrong, by the name of the place.
    error: fn(String) -> FlatError,
    /// The steps down to it, the last one first: they are put together only where they have to be told.
    steps: Vec<String>,
}

impl Misplaced {
    fn here(error: fn(String) -> FlatError) -> Self {
        Self {
            error,
            steps: Vec::new(),
        }
    }

    /// The same, seen from above `step`.
    fn below(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }

    fn tell(self) -> FlatError {
        let steps: String = self.steps.into_iter().rev().collect();
        (self.error)(format!("sops{steps}"))
    }
}

impl<'a> Node<'a> {
    /// The value that this place stands for. As deep as [`MAX_DEPTH`] at most.
    fn nested(self) -> Result<Value<Stored<'a>>, Misplaced> {
        match (self.value, self.names.is_empty(), self.indices.is_empty()) {
            (Some(value), true, true) => Ok(value),
            (None, _, true) => map(self.names),
            (None, true, false) => list(self.indices),
            _ => Err(Misplaced::here(FlatError::Mismatch)),
        }
    }
}

fn map(nodes: BTreeMap<Vec<u8>, Node<'_>>) -> Result<Value<Stored<'_>>, Misplaced> {
    let mut items = Vec::new();
    for (name, node) in nodes {
        let value = node.nested().map_err(|error| error.below(format!(".{}", shown(&name))))?;
        items.push(Item {
            key: Key::Name(name),
            value,
        });
    }
    Ok(Value::Map(Branch { items }))
}

fn list(nodes: BTreeMap<i64, Node<'_>>) -> Result<Value<Stored<'_>>, Misplaced> {
    let mut values = Vec::new();
    for (expected, (index, node)) in (0_i64..).zip(nodes) {
        if index != expected {
            return Err(Misplaced::here(FlatError::Incomplete));
        }
        values.push(node.nested().map_err(|error| error.below(format!("[{index}]")))?);
    }
    Ok(Value::List(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_spelled_as_sops_spells_them() {
        for (kind, canonical, printed) in [
            (Kind::Float, "5", "5.0"),
            (Kind::Float, "0.1", "0.1"),
            (Kind::Float, "1000000", "1E+06"),
            (Kind::Float, "123456", "123456.0"),
            (Kind::Float, "1234567.5", "1.2345675E+06"),
            (Kind::Float, "0.00001", "1E-05"),
            (Kind::Float, "-0", "-0.0"),
            (Kind::Float, "+Inf", "+Inf"),
            (Kind::Float, "NaN", "NaN"),
            (Kind::Boolean, "True", "true"),
            (Kind::Time, "2001-12-14T21:59:43.1-05:00", "2001-12-14T21:59:43-05:00"),
            (Kind::Integer, "-7", "-7"),
            (Kind::Text, "True", "True"),
        ] {
            let text = emit_scalar(kind, &Plaintext::from(canonical.to_owned()));
            assert_eq!(text.expose(), printed.as_bytes());
        }
        let null = emit_value(b"k", &Value::Null).unwrap();
        assert_eq!(null.expose(), b"<nil>");
    }
}
