//! INI as sops understands it, which is the dialect of the Go library go-ini with sections that may repeat.
//!
//! A document is a map of sections; the keys before the first header are in a section `DEFAULT` that is always there. A section's
//! comment is its first item, a key's comment is the item behind the key. All values are strings.
//!
//! Some things that sops writes would be read back as something else, or crash it. There we write what reads back as the same:
//!
//! - an empty line within a comment is written as `;` (sops panics);
//! - a value that stands in quotes, begins with them, or ends in a backslash is put into other quotes (sops writes it bare, which
//!   loses the quotes, or continues on the next line);
//! - a name like `[x]` or `#1` is put into quotes (sops writes it bare, as a header or a comment).
//!
//! What has no spelling at all (some values with a backtick, `"""` and both other quotes) is written as sops writes it.

use std::{borrow::Cow, collections::HashMap};

use super::{EmitError, ParseError, flat};
use crate::{
    plaintext::Plaintext,
    sops::tree::{Branch, Comment, Item, Key, Kind, Stored, Value},
};

/// The section of the keys that stand before the first header.
const DEFAULT: &[u8] = b"DEFAULT";

/// Reads the sections, in one document.
pub(super) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let mut parser = Parser::new(source);
    while let Some(line) = parser.next_line() {
        parser.line(line).map_err(|problem| ParseError {
            line: Some(parser.number),
            problem: problem.to_owned(),
        })?;
    }
    let items = parser
        .sections
        .into_iter()
        .map(Section::into_item)
        .collect();
    Ok(vec![Branch { items }])
}

/// A section in the making.
struct Section<'a> {
    name: &'a [u8],
    comment: Vec<u8>,
    entries: Vec<Entry<'a>>,
    /// Where in `entries` each name is: the last value of a repeated name takes the place of the first.
    positions: HashMap<Cow<'a, [u8]>, usize>,
    /// How many keys were named `-`, which go-ini numbers.
    numbered: usize,
}

/// A key with its value, and the comments that stood before and behind them.
struct Entry<'a> {
    name: Cow<'a, [u8]>,
    value: Stored<'a>,
    comment: Vec<u8>,
}

impl<'a> Section<'a> {
    fn new(name: &'a [u8], comment: Vec<u8>) -> Self {
        Self {
            name,
            comment,
            entries: Vec::new(),
            positions: HashMap::new(),
            numbered: 0,
        }
    }

    /// The name as the section has it: `-` is numbered.
    fn numbered_name(&mut self, name: &'a [u8]) -> Cow<'a, [u8]> {
        if name != b"-" {
            return Cow::Borrowed(name);
        }
        self.numbered = self.numbered.saturating_add(1);
        Cow::Owned(format!("#{}", self.numbered).into_bytes())
    }

    fn insert(&mut self, entry: Entry<'a>) {
        let next = self.entries.len();
        let position = *self.positions.entry(entry.name.clone()).or_insert(next);
        match self.entries.get_mut(position) {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
    }

    fn into_item(self) -> Item<Stored<'a>> {
        let mut items = Vec::new();
        items.extend(comment_item(&self.comment));
        for entry in self.entries {
            let comment = comment_item(&entry.comment);
            let key = Key::Name(entry.name.into_owned());
            items.push(Item {
                key,
                value: Value::Scalar(Kind::Text, entry.value),
            });
            items.extend(comment);
        }
        Item {
            key: Key::Name(self.name.to_vec()),
            value: Value::Map(Branch { items }),
        }
    }
}

/// The comment without the marks that open it. Marks on its further lines are part of its text.
fn comment_item<'a>(comment: &[u8]) -> Option<Item<Stored<'a>>> {
    let mark = comment.first()?;
    let marked = matches!(mark, b'#' | b';');
    let text = comment
        .iter()
        .skip_while(|byte| marked && (*byte == mark || **byte == b' '))
        .copied()
        .collect();
    let comment = Comment {
        text: Cow::Owned(text),
        inline: false,
    };
    Some(Item {
        key: Key::Comment(comment),
        value: Value::Null,
    })
}

/// go-ini's reader.
struct Parser<'a> {
    source: &'a [u8],
    /// How much of the source is read.
    offset: usize,
    /// The number of the line read last.
    number: usize,
    sections: Vec<Section<'a>>,
    /// Comment lines, with their line ends, that the next header or key takes.
    comment: Vec<u8>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a [u8]) -> Self {
        let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];
        let source = marks
            .iter()
            .find_map(|mark| source.strip_prefix(*mark))
            .unwrap_or(source);
        let sections = vec![Section::new(DEFAULT, Vec::new())];
        Self {
            source,
            offset: 0,
            number: 0,
            sections,
            comment: Vec::new(),
        }
    }

    /// The next line with its line end, if it has one.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let line = self
            .source
            .get(self.offset..)?
            .split_inclusive(|&byte| byte == b'\n')
            .next()?;
        self.offset = self.offset.saturating_add(line.len());
        self.number = self.number.saturating_add(1);
        Some(line)
    }

    fn line(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        match trim_start(line) {
            [] => Ok(()),
            comment @ [b'#' | b';', ..] => {
                self.comment.extend_from_slice(comment);
                Ok(())
            }
            [b'[', header @ ..] => self.header(header),
            entry => self.entry(entry),
        }
    }

    fn header(&mut self, header: &'a [u8]) -> Result<(), &'static str> {
        let end = header
            .iter()
            .rposition(|&byte| byte == b']')
            .ok_or("a section header without `]`")?;
        let (name, behind) = header.split_at_checked(end).unwrap_or_default();
        if name.is_empty() {
            return Err("a section without a name");
        }
        self.comment.extend_from_slice(comment_in(behind));
        let comment = self.take_comment();
        self.sections.push(Section::new(name, comment));
        Ok(())
    }

    fn entry(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        let (name, rest) = split_name(line)?;
        let value = self.value(rest)?;
        let comment = self.take_comment();
        if let Some(section) = self.sections.last_mut() {
            let name = section.numbered_name(name);
            section.insert(Entry {
                name,
                value,
                comment,
            });
        }
        Ok(())
    }

    fn take_comment(&mut self) -> Vec<u8> {
        trim(&std::mem::take(&mut self.comment)).to_vec()
    }

    /// The value that begins in `line`, behind the delimiter, and may go on in further lines.
    fn value(&mut self, line: &'a [u8]) -> Result<Stored<'a>, &'static str> {
        let line = trim_start(line);
        if let Some(quote) = opening_quote(line) {
            let inside = line.get(quote.len()..).unwrap_or_default();
            return match rfind(inside, quote) {
                Some(end) => Ok(Cow::Borrowed(before(inside, end))),
                None => self.quoted_lines(inside, quote).map(Cow::Borrowed),
            };
        }
        let line = trim(line);
        if let Some(start) = line.strip_suffix(b"\\") {
            return Ok(Cow::Owned(self.continued_lines(start)));
        }
        let comment = comment_in(line);
        self.comment.extend_from_slice(comment);
        let value = trim(before(line, line.len().saturating_sub(comment.len())));
        Ok(Cow::Borrowed(without_quotes(value)))
    }

    /// The text from `first`, which ends the current line, to the closing quote in a later one. The source has it in one piece.
    fn quoted_lines(&mut self, first: &'a [u8], quote: &[u8]) -> Result<&'a [u8], &'static str> {
        let start = self.offset.saturating_sub(first.len());
        loop {
            let line_start = self.offset;
            let line = self.next_line().ok_or("a quote that is not closed")?;
            let Some(end) = rfind(line, quote) else {
                continue;
            };
            let behind = line.get(end..).unwrap_or_default();
            if trim(behind.get(quote.len()..).unwrap_or_default()).ends_with(b"\\") {
                continue;
            }
            self.comment.extend_from_slice(trim(comment_in(behind)));
            return Ok(self
                .source
                .get(start..line_start.saturating_add(end))
                .unwrap_or_default());
        }
    }

    /// `start` with the following lines, each trimmed, for as long as they end in a backslash.
    fn continued_lines(&mut self, start: &[u8]) -> Vec<u8> {
        let mut value = start.to_vec();
        while let Some(line) = self.next_line() {
            let line = trim(line);
            value.extend_from_slice(line);
            if line.is_empty() || value.pop_if(|last| *last == b'\\').is_none() {
                break;
            }
        }
        value
    }
}

/// A key line's name, and what stands behind the delimiter. A name may stand in quotes.
fn split_name(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let quote: &[u8] = match line {
        [b'"', b'"', b'"', _, _, _, _, ..] => b"\"\"\"",
        [b'"', ..] => b"\"",
        [b'`', ..] => b"`",
        _ => b"",
    };
    let inside = line.get(quote.len()..).unwrap_or_default();
    let (name, behind) = if quote.is_empty() {
        (None, inside)
    } else {
        let end = find(inside, quote).ok_or("a key with a quote that is not closed")?;
        (
            Some(before(inside, end)),
            inside
                .get(end.saturating_add(quote.len())..)
                .unwrap_or_default(),
        )
    };
    let delimiter = behind
        .iter()
        .position(|byte| matches!(byte, b'=' | b':'))
        .ok_or("neither a key nor a section")?;
    let name = trim(name.unwrap_or_else(|| before(behind, delimiter)));
    if name.is_empty() {
        return Err("a key without a name");
    }
    Ok((
        name,
        behind
            .get(delimiter.saturating_add(1)..)
            .unwrap_or_default(),
    ))
}

/// The quote that can span lines, if the value begins with one.
fn opening_quote(value: &[u8]) -> Option<&'static [u8]> {
    match value {
        [b'"', b'"', b'"', _, ..] => Some(b"\"\"\""),
        [b'`', ..] => Some(b"`"),
        _ => None,
    }
}

/// The text from the first mark of a comment on, or nothing.
fn comment_in(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| matches!(byte, b'#' | b';'));
    start
        .and_then(|start| text.get(start..))
        .unwrap_or_default()
}

/// The text between a pair of quotes, if there is no third one of their kind.
fn without_quotes(value: &[u8]) -> &[u8] {
    match value {
        [quote @ (b'\'' | b'"'), inside @ .., last] if quote == last && !inside.contains(quote) => {
            inside
        }
        _ => value,
    }
}

fn before(text: &[u8], end: usize) -> &[u8] {
    text.get(..end).unwrap_or(text)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}

fn rfind(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .rposition(|window| window == needle)
}

fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// The text without the Unicode white space that it begins with. It need not be UTF-8.
fn trim_start(mut text: &[u8]) -> &[u8] {
    let shorter = |text: &[u8]| (1..=3).find(|&length| text.get(..length).is_some_and(is_space));
    while let Some(length) = shorter(text) {
        text = text.get(length..).unwrap_or_default();
    }
    text
}

/// The text without the Unicode white space that it ends in.
fn trim_end(mut text: &[u8]) -> &[u8] {
    let starts = |text: &[u8]| text.len().saturating_sub(3)..text.len();
    let cut = |text: &[u8]| starts(text).find(|&start| text.get(start..).is_some_and(is_space));
    while let Some(end) = cut(text) {
        text = before(text, end);
    }
    text
}

/// Whether the bytes are one character of white space.
fn is_space(bytes: &[u8]) -> bool {
    let mut characters = str::from_utf8(bytes).unwrap_or_default().chars();
    characters.next().is_some_and(char::is_whitespace) && characters.next().is_none()
}

/// Writes the sections of all documents, of which there is one.
pub(super) fn emit(documents: &[Branch<Plaintext>]) -> Result<Plaintext, EmitError> {
    let items = documents.iter().flat_map(|document| &document.items);
    let sections = items
        .filter(|item| !matches!(item.key, Key::Comment(_)))
        .map(section)
        .collect::<Result<Vec<_>, _>>()?;
    let mut out = Plaintext::default();
    for (index, (name, branch)) in sections.iter().enumerate() {
        let headless = index == 0 && name.eq_ignore_ascii_case(DEFAULT);
        let last = index.saturating_add(1) == sections.len();
        emit_section(&mut out, (!headless).then_some(name), branch, last)?;
    }
    Ok(out)
}

fn section(item: &Item<Plaintext>) -> Result<(&[u8], &Branch<Plaintext>), EmitError> {
    match (&item.key, &item.value) {
        (Key::Name(name), Value::Map(branch)) => Ok((name, branch)),
        (Key::Name(name), other) => Err(EmitError(format!(
            "section {} is {}, not a map",
            String::from_utf8_lossy(name),
            other.type_name()
        ))),
        (Key::Comment(_) | Key::Other(_), _) => Err(EmitError("a section has no name".to_owned())),
    }
}

/// A key to be written, with the comment that goes above it.
struct Line<'a> {
    name: &'a [u8],
    value: &'a Value<Plaintext>,
    comment: &'a [u8],
}

/// Writes a section, with its header unless it is the one that needs none, and the empty line that parts it from the next.
fn emit_section(
    out: &mut Plaintext,
    header: Option<&&[u8]>,
    branch: &Branch<Plaintext>,
    last: bool,
) -> Result<(), EmitError> {
    let (comment, lines) = lines(branch)?;
    emit_comment(out, comment, |text| text);
    if let Some(name) = header {
        push_all(out, &[b"[", name, b"]\n"]);
    } else if lines.is_empty() {
        return Ok(());
    }
    let width = lines
        .iter()
        .map(|line| quoted_length(line.name))
        .max()
        .unwrap_or_default();
    for line in lines {
        emit_comment(out, line.comment, trim);
        let quote = name_quote(line.name);
        push_all(out, &[quote, line.name, quote]);
        (quoted_length(line.name)..width).for_each(|_| out.push(b" "));
        out.push(b" = ");
        emit_value(out, line.name, line.value)?;
        out.push(b"\n");
    }
    if !last {
        out.push(b"\n");
    }
    Ok(())
}

/// The section's comment, which is its first item, and its keys with theirs, which follow them.
fn lines(branch: &Branch<Plaintext>) -> Result<(&[u8], Vec<Line<'_>>), EmitError> {
    let mut own: &[u8] = b"";
    let mut lines: Vec<Line> = Vec::new();
    for (index, item) in branch.items.iter().enumerate() {
        match &item.key {
            Key::Comment(comment) if index == 0 => own = comment.text.expose(),
            Key::Comment(comment) => {
                if let Some(line) = lines.last_mut() {
                    line.comment = comment.text.expose();
                }
            }
            Key::Name(name) => lines.push(Line {
                name,
                value: &item.value,
                comment: b"",
            }),
            Key::Other(type_name) => {
                return Err(EmitError(format!(
                    "a key is {type_name}, INI has only strings there"
                )));
            }
        }
    }
    Ok((own, lines))
}

/// Writes the lines of a comment behind the marks that they have, or `;`.
fn emit_comment(out: &mut Plaintext, text: &[u8], trimmed: fn(&[u8]) -> &[u8]) {
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

fn emit_value(out: &mut Plaintext, name: &[u8], value: &Value<Plaintext>) -> Result<(), EmitError> {
    let spelled;
    let text = match value {
        Value::Scalar(Kind::Text, text) => text.expose(),
        other => {
            spelled = flat::emit_value(name, other)?;
            spelled.expose()
        }
    };
    let quote = value_quote(text);
    push_all(out, &[quote, text, quote]);
    Ok(())
}

/// The quote in which sops puts a value, or if that does not read back, one that does.
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
    quotes
        .find(|quote| reads_back(text, quote))
        .unwrap_or(preferred)
}

/// Whether the value in these quotes is read as itself.
fn reads_back(text: &[u8], quote: &[u8]) -> bool {
    let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
    let bare =
        |text: &[u8]| !has(b"\n`#;") && trim(text).len() == text.len() && !text.ends_with(b"\\");
    match quote {
        b"" => {
            bare(text) && without_quotes(text).len() == text.len() && !text.starts_with(b"\"\"\"")
        }
        b"`" => !has(b"`"),
        b"\"\"\"" => {
            let last_line = text
                .iter()
                .rposition(|&byte| byte == b'\n')
                .unwrap_or_default();
            find(before(text, last_line), quote).is_none()
        }
        _ => !has(b"\n#;") && !has(quote),
    }
}

/// The quote in which sops puts a name, or if that does not read back, one that does.
fn name_quote(name: &[u8]) -> &'static [u8] {
    let has = |bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
    let backtick = has(b"`");
    if backtick
        && (has(b"=:") || !has(b"\""))
        && !name.ends_with(b"\"")
        && find(name, b"\"\"\"").is_none()
    {
        return b"\"\"\"";
    }
    let special = has(b"\"=:") || matches!(name, [b'[' | b'#' | b';', ..]);
    if special {
        b"`"
    } else if backtick {
        b"\"\"\""
    } else {
        b""
    }
}

/// How long the name is with its quotes, in bytes.
fn quoted_length(name: &[u8]) -> usize {
    name_quote(name)
        .len()
        .saturating_mul(2)
        .saturating_add(name.len())
}

fn push_all(out: &mut Plaintext, parts: &[&[u8]]) {
    for part in parts {
        out.push(part);
    }
}
