//! Collects the text of a YAML scalar from pieces.

use std::{borrow::Cow, mem};

use super::scanner::Scanner;

/// The text of a scalar, collected from pieces. The text is borrowed as long as each piece follows the previous piece in the
/// source.
#[derive(Default)]
pub(crate) struct Gather<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The offset at which the first piece of the scalar starts in the source.
    start: usize,
    /// The offset at which the last piece of the scalar ends in the source, as long as the text is borrowed.
    end: usize,
}

/// The line breaks between two lines of a scalar, until they are folded. A single line break is folded to a space.
#[derive(Default)]
pub(crate) struct Fold {
    /// Whether the scalar goes on in a further line. An escaped line break counts, too.
    pub(crate) broken: bool,
    /// The first line break between two lines of a scalar; empty if this line break was escaped.
    first: &'static str,
    /// All line breaks between two lines of a scalar, except the first.
    rest: String,
}

impl<'a> Gather<'a> {
    /// Appends to the scalar the text of the source between two offsets.
    pub(crate) fn append(&mut self, scanner: &Scanner<'a>, from: usize, to: usize) {
        if from == to {
            return;
        }
        if self.text.is_empty() {
            (self.start, self.end) = (from, to);
            self.text = Cow::Borrowed(scanner.cursor.slice(from, to));
        } else if self.end == from && matches!(self.text, Cow::Borrowed(_)) {
            self.end = to;
            self.text = Cow::Borrowed(scanner.cursor.slice(self.start, to));
        } else {
            self.write(scanner.cursor.slice(from, to));
        }
    }

    /// Appends to the scalar a text that does not stand in the source.
    pub(crate) fn write(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.to_mut().push_str(text);
        }
    }
}

impl Fold {
    /// Notes a line break of the scalar.
    pub(crate) fn push(&mut self, line_break: &'static str) {
        if self.broken {
            self.rest.push_str(line_break);
        } else {
            (self.broken, self.first) = (true, line_break);
        }
    }

    /// Appends the text that the line breaks stand for. A single LF becomes a space. An LF before other line breaks is left
    /// out. All other line breaks stay.
    pub(crate) fn finish(&mut self, text: &mut Gather<'_>) {
        let Self { first, rest, .. } = mem::take(self);
        match (first, rest.as_str()) {
            ("\n", "") => text.write(" "),
            ("\n", rest) => text.write(rest),
            (first, rest) => {
                text.write(first);
                text.write(rest);
            }
        }
    }
}
