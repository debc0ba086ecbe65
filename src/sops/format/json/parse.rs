//! Reads the text of a JSON file into a tree.

use std::{borrow::Cow, cell::Cell};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::sops::{
    format::{
        limits::{FLOAT_UNIT, MOST_VALUES, TOO_MANY},
        problem::{Flaw, ParseError},
    },
    number,
    tree::{Branch, Item, Key, ScalarType, Stored, Value},
};

/// Reads a JSON file, which must contain a single object.
pub(crate) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let text = str::from_utf8(source).map_err(|error| ParseError {
        line: Some(line_of(source, error.valid_up_to())),
        problem: "not UTF-8".to_owned(),
        flaw: Flaw::Grammar,
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let left = Cell::new(MOST_VALUES);
    let value = reader.deserialize_map(AnyValue(&left)).map_err(|error| match left.get() {
        0 => ParseError {
            line: Some(error.line()),
            problem: TOO_MANY.to_owned(),
            flaw: Flaw::Grammar,
        },
        _ => refuse(&error),
    })?;
    reader.end().map_err(|error| ParseError {
        flaw: Flaw::Trailing,
        ..refuse(&error)
    })?;
    match value {
        Value::Map(document) => Ok(vec![document]),
        _ => Err(ParseError {
            line: None,
            problem: NOT_AN_OBJECT.to_owned(),
            flaw: Flaw::NotAMap,
        }),
    }
}

/// The error message for a JSON file whose top level is a list or a scalar.
const NOT_AN_OBJECT: &str = "the top level must be an object";

/// The line, counted from 1, that contains the byte at `offset`.
fn line_of(source: &[u8], offset: usize) -> usize {
    source
        .iter()
        .take(offset)
        .filter(|&&byte| byte == b'\n')
        .count()
        .saturating_add(1)
}

/// Converts an error of the library `serde_json`. The text of a syntax error is kept, because it describes only the grammar.
/// The text of a type error is replaced, because it quotes values of the file.
fn refuse(error: &serde_json::Error) -> ParseError {
    let problem = match error.classify() {
        Category::Data => NOT_AN_OBJECT.to_owned(),
        Category::Eof | Category::Io => "the text ends too early".to_owned(),
        Category::Syntax => {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let text = error.to_string();
            format!("{} at column {}", text.strip_suffix(&place).unwrap_or(&text), error.column())
        }
    };
    ParseError {
        line: Some(error.line()),
        problem,
        flaw: if error.is_data() { Flaw::NotAMap } else { Flaw::Grammar },
    }
}

/// Reads the next value of any type, and counts it. The cell holds how many more values the file may have.
#[derive(Clone, Copy)]
struct AnyValue<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value<Stored<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        self.count(1)?;
        reader.deserialize_any(self)
    }
}

impl AnyValue<'_> {
    /// Counts this many values. Fails when the limit of values is reached.
    fn count<E: Error>(self, values: usize) -> Result<(), E> {
        self.0.set(self.0.get().saturating_sub(values));
        match self.0.get() {
            0 => Err(Error::custom(TOO_MANY)),
            _ => Ok(()),
        }
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value<Stored<'de>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Self::Value, E> {
        let text: &[u8] = if boolean { b"True" } else { b"False" };
        Ok(Value::Scalar(ScalarType::Boolean, Cow::Borrowed(text)))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Self::Value, E> {
        Ok(Value::Scalar(
            ScalarType::Integer,
            Cow::Owned(integer.to_string().into_bytes()),
        ))
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Self::Value, E> {
        match i64::try_from(integer) {
            Ok(integer) => self.visit_i64(integer),
            // As in sops, an integer that does not fit into an `i64` becomes the nearest float.
            #[allow(clippy::cast_precision_loss)]
            Err(_) => self.visit_f64(integer as f64),
        }
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Self::Value, E> {
        let text = number::positional(float);
        self.count(text.len() / FLOAT_UNIT)?;
        Ok(Value::Scalar(ScalarType::Float, Cow::Owned(text.into_bytes())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Scalar(ScalarType::Text, Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Scalar(ScalarType::Text, Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(self)?;
            items.push(Item {
                key: Key::Name(name.into_bytes()),
                value,
            });
        }
        Ok(Value::Map(Branch { items }))
    }
}
