//! Writes the tree of an INI file as text.

use super::spelling::{DEFAULT, before, closing_quote, find, trim, without_quotes};
use crate::{
    sops::{
        format::{
            flat,
            output::{self, Output},
            problem::EmitError,
        },
        tree::{Branch, Item, Key, Opened, ScalarType, Value, shown},
    },
    system::plaintext::Plaintext,
};

/// Writes the sections of the only document of an INI file. Returns `None` if the text is longer than `most` bytes.
pub(crate) fn emit(mut documents: Vec<Branch<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    let size = output::size(&documents);
    let items = documents.iter_mut().flat_map(|document| &mut document.items);
    let mut sections = items
        .filter(|item| !matches!(item.key, Key::Comment(_)))
        .map(section)
        .collect::<Result<Vec<_>, _>>()?;
    let count = sections.len();
    output::text(size, most, |mut out| {
        for (index, (name, branch)) in sections.iter_mut().enumerate() {
            let headless = index == 0 && name.eq_ignore_ascii_case(DEFAULT);
            let last = index.saturating_add(1) == count;
            emit_section(&mut out, (!headless).then_some(*name), branch, last)?;
        }
        Ok(out)
    })
}

/// The name and the map of a section. Fails if the item is no map with a name.
fn section(item: &mut Item<Opened>) -> Result<(&[u8], &mut Branch<Opened>), EmitError> {
    match (&item.key, &mut item.value) {
        (Key::Name(name), Value::Map(branch)) => Ok((name, branch)),
        (Key::Name(name), other) => Err(EmitError(format!(
            "the section \"{}\" is {}, not a map",
            shown(name),
            other.type_name()
        ))),
        (Key::Comment(_) | Key::Other(_), _) => Err(EmitError("a section has no name".to_owned())),
    }
}

/// A key and its value, ready to be written, with the comment for the lines above the key.
struct IniLine<'a> {
    name: &'a [u8],
    value: &'a mut Value<Opened>,
    comment: &'a [u8],
}

/// Writes a section: its header, its keys, and an empty line unless the section is the `last`. `header` is `None` for the keys
/// before the first header.
fn emit_section(out: &mut Output, header: Option<&[u8]>, branch: &mut Branch<Opened>, last: bool) -> Result<(), EmitError> {
    let (comment, lines) = lines(branch)?;
    emit_comment(out, comment, |text| text);
    if let Some(name) = header {
        push_all(out, &[b"[", name, b"]\n"]);
    } else if lines.is_empty() {
        return Ok(());
    }
    let width = lines.iter().map(|line| quoted_length(line.name)).max().unwrap_or_default();
    for line in lines {
        if out.is_full() {
            return Ok(());
        }
        emit_comment(out, line.comment, trim);
        let quote = name_quote(line.name);
        push_all(out, &[quote, line.name, quote]);
        out.pad(width.saturating_sub(quoted_length(line.name)));
        out.push(b" = ");
        emit_value(out, line.name, line.value)?;
        out.drop_printed(line.value);
        out.push(b"\n");
    }
    if !last {
        out.push(b"\n");
    }
    Ok(())
}

/// The comment of a section, and the keys of the section with their comments. In the tree, the comment of a section is its
/// first item. The comment of a key is the item behind the key.
fn lines(branch: &mut Branch<Opened>) -> Result<(&[u8], Vec<IniLine<'_>>), EmitError> {
    let mut own: &[u8] = b"";
    let mut lines: Vec<IniLine> = Vec::new();
    for (index, item) in branch.items.iter_mut().enumerate() {
        match &item.key {
            Key::Comment(comment) if index == 0 => own = comment.text.expose(),
            Key::Comment(comment) => {
                if let Some(line) = lines.last_mut() {
                    line.comment = comment.text.expose();
                }
            }
            Key::Name(name) => lines.push(IniLine {
                name,
                value: &mut item.value,
                comment: b"",
            }),
            Key::Other(type_name) => {
                return Err(EmitError(format!(
                    "a key is {type_name}, but INI allows only strings as keys"
                )));
            }
        }
    }
    Ok((own, lines))
}

/// Writes the lines of a comment. A line keeps its mark, `#` or `;`. A line without a mark gets `;`.
fn emit_comment(out: &mut Output, text: &[u8], trimmed: fn(&[u8]) -> &[u8]) {
    if text.is_empty() {
        return;
    }
    for line in text.split(|&byte| byte == b'\n') {
        match line {
            [] => out.push(b";"),
            [mark @ (b'#' | b';'), rest @ ..] => push_all(out, &[&[*mark], b" ", trim(rest)]),
            _ => push_all(out, &[b"; ", trimmed(line)]),
        }
        out.push(b"\n");
    }
}

fn emit_value(out: &mut Output, name: &[u8], value: &Value<Opened>) -> Result<(), EmitError> {
    let spelled;
    let text = match value {
        Value::Scalar(ScalarType::Text, text) => text.expose(),
        other => {
            spelled = flat::emit_value(name, other)?;
            spelled.expose()
        }
    };
    let quote = value_quote(text);
    push_all(out, &[quote, text, quote]);
    Ok(())
}

/// The quote to write around a value; empty for no quote. The quote that sops uses is tried first, and then all others. The first
/// quote with which the value is read back unchanged is used. If no quote preserves the value, the quote of sops is used.
fn value_quote(text: &[u8]) -> &'static [u8] {
    let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    let preferred: &[u8] = if has(b"\n`") {
        b"\"\"\""
    } else if has(b"#;") {
        b"`"
    } else if trim(text).len() != text.len() {
        b"\""
    } else {
        b""
    };
    let others: [&[u8]; 4] = [b"\"", b"'", b"`", b"\"\"\""];
    let mut quotes = std::iter::once(preferred).chain(others);
    quotes.find(|quote| reads_back(text, quote)).unwrap_or(preferred)
}

/// Whether a value that is written in this quote is read back as the same value.
fn reads_back(text: &[u8], quote: &[u8]) -> bool {
    let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    let bare = |text: &[u8]| !has(b"\n`#;") && trim(text).len() == text.len() && !text.ends_with(b"\\");
    match quote {
        b"" => bare(text) && without_quotes(text).len() == text.len() && !text.starts_with(b"\"\"\""),
        b"`" => !has(b"`"),
        b"\"\"\"" => stays_open(text, quote),
        _ => !has(b"\n#;") && !has(quote),
    }
}

/// Whether a value of several lines, written in this quote, is read to its end. No line before the last may close the quote.
fn stays_open(text: &[u8], quote: &[u8]) -> bool {
    let Some(end) = text.iter().rposition(|&byte| byte == b'\n') else {
        return true;
    };
    let mut lines = before(text, end).split(|&byte| byte == b'\n');
    let first_open = lines.next().is_none_or(|line| find(line, quote).is_none());
    first_open && lines.all(|line| closing_quote(line, quote).is_none())
}

/// The quote to write around a name: the quote that sops uses, or another quote if the name would not be read back.
fn name_quote(name: &[u8]) -> &'static [u8] {
    let has = |bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
    let fits_triple = !name.ends_with(b"\"") && find(name, b"\"\"\"").is_none();
    if has(b"`") && fits_triple {
        b"\"\"\""
    } else if has(b"\"=:") || name.starts_with(b"[") || name.starts_with(b"#") || name.starts_with(b";") {
        b"`"
    } else {
        b""
    }
}

/// The length of a name with its quotes, in bytes.
fn quoted_length(name: &[u8]) -> usize {
    name_quote(name).len().saturating_mul(2).saturating_add(name.len())
}

fn push_all(out: &mut Output, parts: &[&[u8]]) {
    for part in parts {
        out.push(part);
    }
}
