//! dotenv files as sops reads them: a line is a comment, or a key, `=` and a value. Quotes, white space and `export` have no
//! special meaning.

use std::borrow::Cow;

use super::{
    flat,
    limits::{MOST_VALUES, TOO_MANY},
    output::{self, Output},
    problem::{EmitError, Flaw, ParseError},
};
use crate::{
    sops::tree::{Branch, Comment, Item, Key, Opened, ScalarType, Stored, Value},
    system::plaintext::Plaintext,
};

/// Reads the lines of a dotenv file and skips empty lines. In a value, the two characters `\n` stand for a line feed.
pub(crate) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let mut items = Vec::new();
    for (index, line) in source.split(|&byte| byte == b'\n').enumerate() {
        let fail = |problem: &str| ParseError {
            line: Some(index.saturating_add(1)),
            problem: problem.to_owned(),
            flaw: Flaw::Grammar,
        };
        if items.len() >= MOST_VALUES {
            return Err(fail(TOO_MANY));
        }
        if !line.is_empty() {
            items.push(item(line).ok_or_else(|| fail("neither a comment nor `KEY=value`"))?);
        }
    }
    Ok(vec![Branch { items }])
}

fn item(line: &[u8]) -> Option<Item<Stored<'_>>> {
    if let Some(text) = line.strip_prefix(b"#") {
        let comment = Comment {
            text: Cow::Borrowed(text),
            inline: false,
        };
        return Some(Item {
            key: Key::Comment(comment),
            value: Value::Null,
        });
    }
    let (key, value) = line.split_at_checked(line.iter().position(|&byte| byte == b'=')?)?;
    let value = flat::with_line_feeds(Cow::Borrowed(value.get(1..)?));
    Some(Item {
        key: Key::Name(key.to_vec()),
        value: Value::Scalar(ScalarType::Text, value),
    })
}

/// Writes the only document of a dotenv file. Returns `None` if the text is longer than `most` bytes.
pub(crate) fn emit(mut documents: Vec<Branch<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    let size = output::size(&documents);
    let document = documents
        .first_mut()
        .ok_or_else(|| EmitError("there is no document".to_owned()))?;
    output::text(size, most, |mut out| {
        for item in &mut document.items {
            emit_item(&mut out, item)?;
            out.drop_printed(&mut item.value);
        }
        Ok(out)
    })
}

fn emit_item(out: &mut Output, item: &Item<Opened>) -> Result<(), EmitError> {
    match &item.key {
        Key::Comment(comment) => {
            out.push(b"#");
            out.push(comment.text.expose());
        }
        Key::Name(name) => emit_entry(out, name, &item.value)?,
        Key::Other(type_name) => {
            return Err(EmitError(format!(
                "a key is {type_name}, but dotenv allows only strings as keys"
            )));
        }
    }
    out.push(b"\n");
    Ok(())
}

fn emit_entry(out: &mut Output, name: &[u8], value: &Value<Opened>) -> Result<(), EmitError> {
    out.push(name);
    out.push(b"=");
    match value {
        Value::Scalar(ScalarType::Text, text) => push_escaped(out, text.expose()),
        other => out.push(flat::emit_value(name, other)?.expose()),
    }
    Ok(())
}

/// Writes a value, with each line feed as the two characters `\n`. As in sops, nothing else is escaped. So a backslash before
/// an `n` in the value is read back as a line feed.
fn push_escaped(out: &mut Output, text: &[u8]) {
    let mut separator: &[u8] = b"";
    for line in text.split(|&byte| byte == b'\n') {
        out.push(separator);
        out.push(line);
        separator = b"\\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::{formats::Format, testing::reprinted};

    #[test]
    fn lines_are_printed_as_sops_prints_them() {
        for (source, printed) in [
            ("", ""),
            ("A=1\n", "A=1\n"),
            ("# c\n\nA = b # d\nexport B='x'\nA=2\n", "# c\nA = b # d\nexport B='x'\nA=2\n"),
            ("A=x\\ny\\\\nz\n", "A=x\\ny\\\\nz\n"),
            ("A=\r\nB=c=d", "A=\r\nB=c=d\n"),
            ("#", "#\n"),
            ("=v\n", "=v\n"),
        ] {
            assert_eq!(reprinted(Format::Dotenv, source.as_bytes()), printed, "{source}");
        }
    }

    #[test]
    fn a_line_that_is_neither_comment_nor_entry_is_named_by_its_number() {
        for source in ["\nsecret\n", "\n \n", "\n # c\n", "\n\r\n"] {
            let error = "line 2: neither a comment nor `KEY=value`";
            assert_eq!(reprinted(Format::Dotenv, source.as_bytes()), error);
        }
    }

    #[test]
    fn a_backslash_and_n_stand_for_a_line_feed_in_values_only() {
        let [document] = parse(b"a\\n=x\\ny\\\\nz\n#\\n\n").unwrap().try_into().unwrap();
        assert_eq!(
            document.get(b"a\\n"),
            Some(&Value::Scalar(ScalarType::Text, Cow::from(&b"x\ny\\\nz"[..])))
        );
        assert!(matches!(&document.items[1].key, Key::Comment(comment) if *comment.text == *b"\\n"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let documents = parse(b"\xff=\xfe\n").unwrap();
        assert_eq!(
            documents[0].get(b"\xff"),
            Some(&Value::Scalar(ScalarType::Text, Cow::from(&b"\xfe"[..])))
        );
    }

    #[test]
    fn a_list_has_no_spelling() {
        let item = Item {
            key: Key::Name(b"k".to_vec()),
            value: Value::List(Vec::new()),
        };
        let error = emit(vec![Branch { items: vec![item] }], usize::MAX).err();
        assert_eq!(
            error,
            Some(EmitError(
                "the key \"k\" is a list, which this format cannot express".to_owned()
            ))
        );
    }
}
