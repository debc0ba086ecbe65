//! Writes the tree of a JSON file as text.

use crate::{
    sops::{
        format::{
            output::{self, Output},
            problem::EmitError,
        },
        number,
        tree::{Branch, Comment, Item, Key, Opened, ScalarType, Value},
    },
    system::plaintext::Plaintext,
    text::blocks,
};

/// Writes the only document of a JSON file, indented by tabs and with a line end. Comments are left out, because JSON has no
/// comments. Returns `None` if the text is longer than `most` bytes.
pub(crate) fn emit(documents: Vec<Branch<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    emit_values(documents.into_iter().map(Value::Map).collect(), most)
}

/// Writes the only one of some values. As in sops, only a map has a line end.
pub(crate) fn emit_values(mut values: Vec<Value<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    let value = values
        .first_mut()
        .ok_or_else(|| EmitError("there is no document".to_owned()))?;
    let size = output::size_of_value(value);
    let end: &[u8] = if matches!(value, Value::Map(_)) { b"\n" } else { b"" };
    output::text(size, most, |out| {
        let mut writer = JsonWriter { out, depth: 0 };
        writer.value(value)?;
        writer.out.push(end);
        Ok(writer.out)
    })
}

/// Writes one scalar by itself. Numbers and booleans look as in a document. Strings and times have no quotes.
pub(crate) fn emit_scalar(kind: ScalarType, text: &Plaintext) -> Result<Plaintext, EmitError> {
    let mut writer = JsonWriter {
        out: Output::unlimited(),
        depth: 0,
    };
    match kind {
        ScalarType::Text | ScalarType::Time => writer.out.push(text.expose()),
        ScalarType::Integer | ScalarType::Unsigned | ScalarType::Float | ScalarType::Boolean => {
            writer.scalar(kind, text)?;
        }
    }
    Ok(writer.out.finish())
}

/// A writer of indented JSON. `depth` is the number of objects and lists that are open.
struct JsonWriter {
    out: Output,
    depth: usize,
}

impl JsonWriter {
    fn map(&mut self, branch: &mut Branch<Opened>) -> Result<(), EmitError> {
        let mut members = branch
            .items
            .iter_mut()
            .filter(|item| !matches!(item.key, Key::Comment(_)))
            .peekable();
        if members.peek().is_none() {
            self.out.push(b"{}");
            return Ok(());
        }
        let mut opening: &[u8] = b"{";
        self.depth = self.depth.saturating_add(1);
        for item in members {
            if self.out.is_full() {
                return Ok(());
            }
            self.open_line(opening);
            self.member(item)?;
            self.out.drop_printed(&mut item.value);
            opening = b",";
        }
        self.depth = self.depth.saturating_sub(1);
        self.open_line(b"");
        self.out.push(b"}");
        Ok(())
    }

    fn member(&mut self, item: &mut Item<Opened>) -> Result<(), EmitError> {
        match &item.key {
            Key::Name(name) => self.string(name),
            Key::Other(type_name) => {
                return Err(EmitError(format!(
                    "a key is {type_name}, but JSON allows only strings as keys"
                )));
            }
            Key::Comment(_) => return Ok(()),
        }
        self.out.push(b": ");
        self.value(&mut item.value)
    }

    fn list(&mut self, values: &mut [Value<Opened>]) -> Result<(), EmitError> {
        let is_element = |value: &&mut Value<Opened>| !matches!(value, Value::Comment(_));
        let mut elements = values.iter_mut().filter(is_element).peekable();
        if elements.peek().is_none() {
            self.out.push(b"[]");
            return Ok(());
        }
        let mut opening: &[u8] = b"[";
        self.depth = self.depth.saturating_add(1);
        for value in elements {
            if self.out.is_full() {
                return Ok(());
            }
            self.open_line(opening);
            self.value(value)?;
            self.out.drop_printed(value);
            opening = b",";
        }
        self.depth = self.depth.saturating_sub(1);
        self.open_line(b"");
        self.out.push(b"]");
        Ok(())
    }

    fn value(&mut self, value: &mut Value<Opened>) -> Result<(), EmitError> {
        match value {
            Value::Null => self.out.push(b"null"),
            Value::Scalar(kind, text) => self.scalar(*kind, text)?,
            Value::Comment(comment) => self.comment(comment),
            Value::List(values) => self.list(values)?,
            Value::Map(branch) => self.map(branch)?,
        }
        Ok(())
    }

    fn scalar(&mut self, kind: ScalarType, text: &Plaintext) -> Result<(), EmitError> {
        match kind {
            ScalarType::Text | ScalarType::Time => self.string(text.expose()),
            ScalarType::Integer | ScalarType::Unsigned => self.out.push(text.expose()),
            ScalarType::Float => self.out.push(float(text)?.expose()),
            ScalarType::Boolean => self.out.push(if text.expose() == b"True" { b"true" } else { b"false" }),
        }
        Ok(())
    }

    /// Writes a comment in the place of a value. As in sops, the comment becomes an object with the fields `Value` and
    /// `Inline`.
    fn comment(&mut self, comment: &Comment<Opened>) {
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

    /// Ends the current line with `last`, and indents the next line.
    fn open_line(&mut self, last: &[u8]) {
        self.out.push(last);
        self.out.push(b"\n");
        for _ in 0..self.depth {
            self.out.push(b"\t");
        }
    }

    /// Writes a string as Go's `json.Marshal` does. Characters that have a special meaning in HTML or JavaScript are escaped,
    /// too. Each byte that is not UTF-8 becomes U+FFFD.
    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b"\"");
        match str::from_utf8(bytes) {
            Ok(text) => self.escaped(text),
            Err(_) => self.replaced(bytes),
        }
        self.out.push(b"\"");
    }

    fn replaced(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.escaped(chunk.valid());
            for _ in chunk.invalid() {
                self.out.push(b"\\ufffd");
            }
        }
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some((plain, character, tail)) = blocks::split(rest, may_need_escape, needs_escape) {
            self.out.push(plain.as_bytes());
            self.escape(character);
            rest = tail;
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
            other => self.out.push(format!("\\u{:04x}", u32::from(other)).as_bytes()),
        }
    }
}

/// Whether a character that begins with this byte in UTF-8 may need an escape. U+2028 and U+2029 begin with 0xe2.
fn may_need_escape(byte: u8) -> bool {
    (byte < b' ') | blocks::is_any(byte, *b"\"\\<>&\xe2")
}

/// Whether Go's `json.Marshal` escapes the character.
fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

/// Writes a float as Go's `json.Marshal` does: with an exponent if the magnitude is below 1e-6, or at least 1e21. Fails for
/// infinity and NaN.
fn float(canonical: &Plaintext) -> Result<Plaintext, EmitError> {
    let number = number_of(canonical).filter(|number| number.is_finite());
    let number = number.ok_or_else(|| EmitError("JSON has no spelling for infinity and NaN".to_owned()))?;
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
        out.push(if byte == b'e' { b"e+" } else { std::slice::from_ref(&byte) });
    }
    Ok(out)
}

/// The number that the canonical text of a float stands for.
fn number_of(canonical: &Plaintext) -> Option<f64> {
    str::from_utf8(canonical.expose()).ok()?.parse().ok()
}
