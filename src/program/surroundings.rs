//! What stands around a place in a template, as far as it decides what a filter writes there.
//!
//! The text may be of any language. So where its quotes can be read in two ways, no filter that depends on them writes anything.

use super::quotes::Quotes;
use crate::sops::env_file::is_name;

/// The surroundings of a place.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'x> {
    /// The quotes around the place, if a quote opens only where a word begins.
    pub quotes: Option<Quotes>,
    /// The quotes around the place, if a quote opens anywhere.
    pub(crate) anywhere: Option<Quotes>,
    /// Whether a word of a shell may stand here.
    pub(crate) takes_shell_word: bool,
    /// Whether a string of Nix of several lines may be open.
    pub(crate) is_in_nix_string: bool,
    /// The text before the place.
    pub(crate) before: &'x [u8],
    /// The text behind it, without its placeholder.
    pub(crate) after: &'x [u8],
    /// How many brackets and braces are open.
    pub(crate) depth: usize,
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
