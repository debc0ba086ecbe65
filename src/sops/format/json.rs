//! JSON: one object, with the order of its members and their repetitions kept.
//!
//! Where this departs from sops: bytes after the object, text that is not UTF-8, lone surrogate escapes and more than 127 levels
//! of nesting are errors (sops ignores the first, replaces the next two by U+FFFD, and knows no limit). `-0` is the float that
//! sops had before it when it wrote that, not the integer that sops reads back.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{EmitError, ParseError};
use crate::{
    plaintext::Plaintext,
    sops::{
        number,
        tree::{Branch, Comment, Item, Key, Kind, Stored, Value},
    },
};

/// Reads the single object that such a file is.
pub(super) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let text = str::from_utf8(source).map_err(|error| ParseError {
        line: Some(line_of(source, error.valid_up_to())),
        problem: "not UTF-8".to_owned(),
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = reader
        .deserialize_map(AnyValue)
        .map_err(|error| refuse(&error))?;
    reader.end().map_err(|error| refuse(&error))?;
    match value {
        Value::Map(document) => Ok(vec![document]),
        _ => Err(ParseError {
            line: None,
            problem: NOT_AN_OBJECT.to_owned(),
        }),
    }
}

/// What is said of a file that holds a list or a scalar.
const NOT_AN_OBJECT: &str = "the top level must be an object";

/// The line, from 1, in which the byte at `offset` stands.
fn line_of(source: &[u8], offset: usize) -> usize {
    source
        .iter()
        .take(offset)
        .filter(|&&byte| byte == b'\n')
        .count()
        .saturating_add(1)
}

/// The library's syntax errors speak of the grammar alone; its type errors quote values, and are replaced.
fn refuse(error: &serde_json::Error) -> ParseError {
    let problem = if error.is_data() {
        NOT_AN_OBJECT.to_owned()
    } else {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        format!(
            "{} at column {}",
            text.strip_suffix(&place).unwrap_or(&text),
            error.column()
        )
    };
    ParseError {
        line: Some(error.line()),
        problem,
    }
}

/// Reads a value of whatever type comes next.
struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value<Stored<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<Stored<'de>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Self::Value, E> {
        let text: &[u8] = if boolean { b"True" } else { b"False" };
        Ok(Value::Scalar(Kind::Boolean, Cow::Borrowed(text)))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Self::Value, E> {
        Ok(Value::Scalar(
            Kind::Integer,
            Cow::Owned(integer.to_string().into_bytes()),
        ))
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Self::Value, E> {
        match i64::try_from(integer) {
            Ok(integer) => self.visit_i64(integer),
            // As sops does with what its own integers cannot hold: the nearest float.
            #[allow(clippy::cast_precision_loss)]
            Err(_) => self.visit_f64(integer as f64),
        }
    }

    fn visit_f64<E>(self, float: f64) -> Result<Self::Value, E> {
        Ok(Value::Scalar(
            Kind::Float,
            Cow::Owned(number::positional(float).into_bytes()),
        ))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Scalar(Kind::Text, Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Scalar(
            Kind::Text,
            Cow::Owned(text.as_bytes().to_vec()),
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(AnyValue)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(AnyValue)?;
            items.push(Item {
                key: Key::Name(name.into_bytes()),
                value,
            });
        }
        Ok(Value::Map(Branch { items }))
    }
}

/// Writes the first document, the only one there is, indented by tabs and with a line end. Comments have no spelling and are left out.
pub(super) fn emit(documents: &[Branch<Plaintext>]) -> Result<Plaintext, EmitError> {
    let document = documents
        .first()
        .ok_or_else(|| EmitError("there is no document".to_owned()))?;
    let mut writer = Writer::default();
    writer.map(document)?;
    writer.out.push(b"\n");
    Ok(writer.out)
}

/// Writes one scalar bare: numbers and booleans as in a document, a time without its quotes.
pub(super) fn emit_scalar(kind: Kind, text: &Plaintext) -> Result<Plaintext, EmitError> {
    let mut writer = Writer::default();
    match kind {
        Kind::Text | Kind::Time => writer.out.push(text.expose()),
        Kind::Integer | Kind::Unsigned | Kind::Float | Kind::Boolean => {
            writer.scalar(kind, text)?;
        }
    }
    Ok(writer.out)
}

/// Indented JSON in the making.
#[derive(Default)]
struct Writer {
    out: Plaintext,
    depth: usize,
}

impl Writer {
    fn map(&mut self, branch: &Branch<Plaintext>) -> Result<(), EmitError> {
        let mut members = branch
            .items
            .iter()
            .filter(|item| !matches!(item.key, Key::Comment(_)))
            .peekable();
        if members.peek().is_none() {
            self.out.push(b"{}");
            return Ok(());
        }
        let mut opening: &[u8] = b"{";
        self.depth = self.depth.saturating_add(1);
        for item in members {
            self.open_line(opening);
            self.member(item)?;
            opening = b",";
        }
        self.depth = self.depth.saturating_sub(1);
        self.open_line(b"");
        self.out.push(b"}");
        Ok(())
    }

    fn member(&mut self, item: &Item<Plaintext>) -> Result<(), EmitError> {
        match &item.key {
            Key::Name(name) => self.string(name),
            Key::Other(type_name) => {
                return Err(EmitError(format!(
                    "a key is {type_name}, JSON has only strings there"
                )));
            }
            Key::Comment(_) => return Ok(()),
        }
        self.out.push(b": ");
        self.value(&item.value)
    }

    fn list(&mut self, values: &[Value<Plaintext>]) -> Result<(), EmitError> {
        let mut elements = values
            .iter()
            .filter(|value| !matches!(value, Value::Comment(_)))
            .peekable();
        if elements.peek().is_none() {
            self.out.push(b"[]");
            return Ok(());
        }
        let mut opening: &[u8] = b"[";
        self.depth = self.depth.saturating_add(1);
        for value in elements {
            self.open_line(opening);
            self.value(value)?;
            opening = b",";
        }
        self.depth = self.depth.saturating_sub(1);
        self.open_line(b"");
        self.out.push(b"]");
        Ok(())
    }

    fn value(&mut self, value: &Value<Plaintext>) -> Result<(), EmitError> {
        match value {
            Value::Null => self.out.push(b"null"),
            Value::Scalar(kind, text) => self.scalar(*kind, text)?,
            Value::Comment(comment) => self.comment(comment),
            Value::List(values) => self.list(values)?,
            Value::Map(branch) => self.map(branch)?,
        }
        Ok(())
    }

    fn scalar(&mut self, kind: Kind, text: &Plaintext) -> Result<(), EmitError> {
        match kind {
            Kind::Text | Kind::Time => self.string(text.expose()),
            Kind::Integer | Kind::Unsigned => self.out.push(text.expose()),
            Kind::Float => self.out.push(float(text)?.expose()),
            Kind::Boolean => self.out.push(if text.expose() == b"True" {
                b"true"
            } else {
                b"false"
            }),
        }
        Ok(())
    }

    /// A comment in the place of a value comes out as sops' own structure for it.
    fn comment(&mut self, comment: &Comment<Plaintext>) {
        self.depth = self.depth.saturating_add(1);
        self.open_line(b"{");
        self.out.push(b"\"Value\": ");
        self.string(comment.text.expose());
        self.open_line(b",");
        self.out.push(if comment.inline {
            b"\"Inline\": true"
        } else {
            b"\"Inline\": false"
        });
        self.depth = self.depth.saturating_sub(1);
        self.open_line(b"");
        self.out.push(b"}");
    }

    /// Ends the line with `last` and indents the next one.
    fn open_line(&mut self, last: &[u8]) {
        self.out.push(last);
        self.out.push(b"\n");
        for _ in 0..self.depth {
            self.out.push(b"\t");
        }
    }

    /// A string as Go's `json.Marshal` spells it: safe inside HTML and JavaScript, each byte that is not UTF-8 as U+FFFD.
    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b"\"");
        for chunk in bytes.utf8_chunks() {
            self.escaped(chunk.valid());
            for _ in chunk.invalid() {
                self.out.push(b"\\ufffd");
            }
        }
        self.out.push(b"\"");
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some(position) = rest.find(needs_escape) {
            let (plain, tail) = rest.split_at(position);
            self.out.push(plain.as_bytes());
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                self.escape(character);
            }
            rest = characters.as_str();
        }
        self.out.push(rest.as_bytes());
    }

    fn escape(&mut self, character: char) {
        match character {
            '"' => self.out.push(b"\\\""),
            '\\' => self.out.push(b"\\\\"),
            '\u{8}' => self.out.push(b"\\b"),
            '\u{c}' => self.out.push(b"\\f"),
            '\n' => self.out.push(b"\\n"),
            '\r' => self.out.push(b"\\r"),
            '\t' => self.out.push(b"\\t"),
            other => self
                .out
                .push(format!("\\u{:04x}", u32::from(other)).as_bytes()),
        }
    }
}

/// Whether Go's `json.Marshal` escapes the character.
fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

/// A float as Go's `json.Marshal` spells it: an exponent below 1e-6 and from 1e21.
fn float(canonical: &Plaintext) -> Result<Plaintext, EmitError> {
    let number = number_of(canonical).filter(|number| number.is_finite());
    let number =
        number.ok_or_else(|| EmitError("JSON has no spelling for infinity and NaN".to_owned()))?;
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return Ok(Plaintext::from(number::positional(number)));
    }
    let scientific = Plaintext::from(format!("{number:e}"));
    if size < 1.0 {
        return Ok(scientific);
    }
    let mut out = Plaintext::with_capacity(scientific.len().saturating_add(1));
    for &byte in scientific.expose() {
        out.push(if byte == b'e' {
            b"e+"
        } else {
            std::slice::from_ref(&byte)
        });
    }
    Ok(out)
}

/// The number behind a float's canonical text.
fn number_of(canonical: &Plaintext) -> Option<f64> {
    str::from_utf8(canonical.expose()).ok()?.parse().ok()
}
