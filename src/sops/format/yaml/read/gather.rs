//! Text that is put together from pieces.

use std::{borrow::Cow, mem};

use super::scanner::Scanner;

/// Text that is put together from pieces: borrowed as long as the pieces follow one another in the source.
#[derive(Default)]
pub(crate) struct Gather<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The offset of the first piece.
    start: usize,
    /// The offset behind the last piece, while all is borrowed.
    end: usize,
}

/// Line breaks between two lines of a scalar, which are to be folded.
#[derive(Default)]
pub(crate) struct Fold {
    /// Whether there was a line break, escaped or not.
    pub(crate) broken: bool,
    /// The first break; empty if it was escaped.
    first: &'static str,
    /// The others.
    rest: String,
}

impl<'a> Gather<'a> {
    /// Appends the source's text between two offsets.
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

    /// Appends text that does not stand in the source.
    pub(crate) fn write(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.to_mut().push_str(text);
        }
    }
}

impl Fold {
    /// Notes a line break.
    pub(crate) fn push(&mut self, line_break: &'static str) {
        if self.broken {
            self.rest.push_str(line_break);
        } else {
            (self.broken, self.first) = (true, line_break);
        }
    }

    /// Appends what the breaks stand for: a single LF becomes a space, an LF before other breaks is left out, and all others
    /// stay.
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
