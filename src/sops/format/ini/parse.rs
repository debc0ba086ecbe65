//! Reads the text of an INI file into a tree.

use std::borrow::Cow;

use super::{
    section::{IniKey, Section},
    spelling::{DEFAULT, before, closing_quote, find, rfind, trim, trim_start, without_quotes},
};
use crate::sops::{
    format::{
        limits::{MOST_VALUES, TOO_MANY},
        problem::{Flaw, ParseError},
    },
    key::KeyPath,
    repeated::MOST_REPEATED,
    tree::{Branch, Stored},
};

/// Reads the sections of an INI file into one document.
pub(crate) fn parse(source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
    let items = sections(source)?.into_iter().map(Section::into_item).collect();
    Ok(vec![Branch { items }])
}

/// The keys that are more than once in one section, each time after the first. The document has only the last of them.
pub(crate) fn repeated(source: &[u8]) -> Vec<KeyPath> {
    let sections = sections(source).unwrap_or_default();
    sections.iter().flat_map(Section::repeated).take(MOST_REPEATED).collect()
}

fn sections(source: &[u8]) -> Result<Vec<Section<'_>>, ParseError> {
    let mut parser = Parser::new(source);
    while let Some(line) = parser.next_line() {
        parser.line(line).map_err(|problem| ParseError {
            line: Some(parser.number),
            problem: problem.to_owned(),
            flaw: Flaw::Grammar,
        })?;
    }
    Ok(parser.sections)
}

/// A parser that reads an INI file line by line, as go-ini does.
struct Parser<'a> {
    source: &'a [u8],
    /// How many bytes of the INI text have been read.
    offset: usize,
    /// The number of the INI line that was read last, counted from 1.
    number: usize,
    /// How many more sections and keys the INI file may have.
    left: usize,
    sections: Vec<Section<'a>>,
    /// The comment lines that the next header or key takes, with their line ends.
    comment: Vec<u8>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a [u8]) -> Self {
        let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];
        let source = marks.iter().find_map(|mark| source.strip_prefix(*mark)).unwrap_or(source);
        let sections = vec![Section::new(DEFAULT, Vec::new())];
        Self {
            source,
            offset: 0,
            number: 0,
            left: MOST_VALUES,
            sections,
            comment: Vec::new(),
        }
    }

    /// Reads the next line, including its line end. Returns `None` at the end of the source.
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
        self.count()?;
        self.comment.extend_from_slice(comment_in(behind));
        let comment = self.take_comment();
        self.sections.push(Section::new(name, comment));
        Ok(())
    }

    fn entry(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        self.count()?;
        let (name, rest) = split_name(line)?;
        let value = self.value(rest)?;
        let comment = self.take_comment();
        if let Some(section) = self.sections.last_mut() {
            let name = section.numbered_name(name);
            section.insert(IniKey { name, value, comment });
        }
        Ok(())
    }

    /// Counts a section or a key. Fails if the file has too many.
    fn count(&mut self) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or(TOO_MANY)?;
        Ok(())
    }

    fn take_comment(&mut self) -> Vec<u8> {
        trim(&std::mem::take(&mut self.comment)).to_vec()
    }

    /// Reads a value. `line` is the text behind the delimiter. The value may continue on further lines.
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

    /// Reads a quoted value that ends on a later line. `first` is the rest of the current line, behind the opening quote. The
    /// value is one piece of the source, so the value is borrowed.
    fn quoted_lines(&mut self, first: &'a [u8], quote: &[u8]) -> Result<&'a [u8], &'static str> {
        let start = self.offset.saturating_sub(first.len());
        loop {
            let line_start = self.offset;
            let line = self.next_line().ok_or("a quote that is not closed")?;
            let Some(end) = closing_quote(line, quote) else {
                continue;
            };
            let behind = line.get(end..).unwrap_or_default();
            self.comment.extend_from_slice(trim(comment_in(behind)));
            return Ok(self.source.get(start..line_start.saturating_add(end)).unwrap_or_default());
        }
    }

    /// Appends the following lines to `start`, each trimmed. Stops behind the first line that is empty or does not end in a
    /// backslash.
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

/// Splits the line of a key. Returns the name, without the quotes that it may have, and the text behind the delimiter.
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
            inside.get(end.saturating_add(quote.len())..).unwrap_or_default(),
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
    Ok((name, behind.get(delimiter.saturating_add(1)..).unwrap_or_default()))
}

/// The quote at the beginning of a value that may span several lines; `None` if the value begins with no such quote.
fn opening_quote(value: &[u8]) -> Option<&'static [u8]> {
    match value {
        [b'"', b'"', b'"', _, ..] => Some(b"\"\"\""),
        [b'`', ..] => Some(b"`"),
        _ => None,
    }
}

/// The comment on a line: the text from the first `#` or `;` on. Empty if the line has no comment.
fn comment_in(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| matches!(byte, b'#' | b';'));
    start.and_then(|start| text.get(start..)).unwrap_or_default()
}
