//! What stands around a place in a template, as far as it decides what a filter writes there.
//!
//! The text may be of any language. So where its quotes can be read in two ways, no filter that depends on them writes anything.

use super::{
    quotes::{QuoteScan, Quotes},
    shell_scan::ShellScan,
};
use crate::sops::env_file::is_name;

/// The surroundings of a place.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'x> {
    /// The quotes around the place, if a quote opens only where a word begins.
    pub quotes: Option<Quotes>,
    /// The quotes around the place, if a quote opens anywhere.
    anywhere: Option<Quotes>,
    /// Whether a word of a shell may stand here.
    pub(crate) takes_shell_word: bool,
    /// Whether a string of Nix of several lines may be open.
    pub(crate) is_in_nix_string: bool,
    /// The text before the place.
    before: &'x [u8],
    /// The text behind it, without its placeholder.
    after: &'x [u8],
    /// How many brackets and braces are open.
    depth: usize,
}

impl Surroundings<'_> {
    /// Whether the quotes around the place are the same however they are read.
    pub(crate) fn is_clear(&self) -> bool {
        self.quotes == self.anywhere
    }

    /// Whether a value of JSON or Nix begins and ends here.
    pub(crate) fn is_value(&self) -> bool {
        let (last, _) = self.last();
        last.is_none_or(|last| b"=:,[({".contains(&last)) && self.ends_value()
    }

    /// Whether a value of YAML begins and ends here.
    pub(crate) fn is_yaml_value(&self) -> bool {
        let (last, rest) = self.last();
        let has_blank = self.before.last().is_none_or(u8::is_ascii_whitespace);
        let begins = match last {
            None | Some(b'[' | b'{') => true,
            // In a flow, a key in quotes needs no blank behind its colon.
            Some(b':') => has_blank || rest.ends_with(b"\""),
            Some(b'-' | b'?') => has_blank,
            Some(b',') => self.depth > 0,
            Some(_) => false,
        };
        begins && self.ends_value()
    }

    /// Whether the place is all that stands behind the name of a variable.
    pub(crate) fn is_variable(&self) -> bool {
        let line = self
            .before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end.saturating_add(1));
        let line = self.before.get(line..).unwrap_or_default().trim_ascii_start();
        let is_behind_name = line.strip_suffix(b"=").is_some_and(is_name);
        is_behind_name && matches!(self.after, [] | [b'\n', ..] | [b'\r', b'\n', ..])
    }

    /// The last visible byte before the place, and what is before that.
    fn last(&self) -> (Option<u8>, &[u8]) {
        match self.before.trim_ascii_end().split_last() {
            Some((last, rest)) => (Some(*last), rest),
            None => (None, b""),
        }
    }

    fn ends_value(&self) -> bool {
        self.after
            .first()
            .is_none_or(|byte| byte.is_ascii_whitespace() || b",;:)]}".contains(byte))
    }
}

/// The surroundings of one place after the other.
pub(crate) struct SurroundingsScan<'x> {
    text: &'x [u8],
    at_words: QuoteScan,
    anywhere: QuoteScan,
    shell: ShellScan,
    is_in_nix_string: bool,
    depth: usize,
}

impl<'x> SurroundingsScan<'x> {
    /// The state at the beginning of `text`.
    pub(crate) fn of(text: &'x [u8]) -> Self {
        Self {
            text,
            at_words: QuoteScan::at_words(),
            anywhere: QuoteScan::anywhere(),
            shell: ShellScan::new(),
            is_in_nix_string: false,
            depth: 0,
        }
    }

    /// Goes on behind `between`, which has no placeholder.
    pub(crate) fn pass(&mut self, between: &[u8]) {
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
    }

    /// Goes on behind a value.
    pub(crate) fn pass_value(&mut self) {
        self.at_words.pass_value();
        self.anywhere.pass_value();
        self.shell.pass_value();
    }

    /// The surroundings of the placeholder from `start` to `end`.
    pub(crate) fn around(&self, start: usize, end: usize) -> Surroundings<'x> {
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
}
