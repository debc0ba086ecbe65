//! Finds out what stands around one place of a template after the other.

use super::{
    quotes::QuoteScan,
    shell_scan::ShellScan,
    surroundings::Surroundings,
    tokens::{Places, Tokens},
};

/// The state behind the places that were asked for. What stands between places that nobody asks for is read only when a later one is.
pub(crate) struct SurroundingsScan<'a, 't> {
    text: &'a [u8],
    /// The placeholders that are still to be passed.
    places: Places<'a, 't>,
    /// The position up to which the text is passed.
    passed: usize,
    at_words: QuoteScan,
    anywhere: QuoteScan,
    shell: ShellScan,
    is_in_nix_string: bool,
    depth: usize,
}

impl<'a, 't> SurroundingsScan<'a, 't> {
    /// The state at the beginning of `text`.
    pub(crate) fn of(tokens: &'a Tokens<'t>, text: &'a [u8]) -> Self {
        Self {
            text,
            places: Places::of(tokens, text),
            passed: 0,
            at_words: QuoteScan::at_words(),
            anywhere: QuoteScan::anywhere(),
            shell: ShellScan::new(),
            is_in_nix_string: false,
            depth: 0,
        }
    }

    /// The surroundings of the placeholder from `start` to `end`, which is not before the one that was asked for last.
    pub(crate) fn around(&mut self, start: usize, end: usize) -> Surroundings<'a> {
        while let Some(found) = self.places.next(self.passed).filter(|found| found.start < start) {
            self.pass(found.start);
            self.pass_value(found.end);
        }
        self.pass(start);
        Surroundings {
            quotes: self.at_words.open(),
            anywhere: self.anywhere.open(),
            takes_shell_word: self.shell.takes_word(),
            is_in_nix_string: self.is_in_nix_string,
            before: self.text.get(..start).unwrap_or_default(),
            after: self.text.get(end..).unwrap_or_default(),
            depth: self.depth,
        }
    }

    /// Goes on to the position `to`. No placeholder is on the way.
    fn pass(&mut self, to: usize) {
        let between = self.text.get(self.passed..to).unwrap_or_default();
        self.at_words.pass(between);
        self.anywhere.pass(between);
        self.shell.pass(between);
        self.is_in_nix_string |= between.windows(2).any(|pair| pair == b"''");
        for byte in between {
            self.depth = match byte {
                b'[' | b'{' => self.depth.saturating_add(1),
                b']' | b'}' => self.depth.saturating_sub(1),
                _ => self.depth,
            };
        }
        self.passed = to;
    }

    /// Goes on behind a placeholder, which ends at the position `end`.
    fn pass_value(&mut self, end: usize) {
        self.at_words.pass_value();
        self.anywhere.pass_value();
        self.shell.pass_value();
        self.passed = end;
    }
}
