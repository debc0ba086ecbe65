//! Templates: tokens to values in one pass.
//!
//! A value is never looked at again, so a secret that contains another's token, or is no UTF-8, comes out as it is.

use std::fmt;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use thiserror::Error;

use crate::system::plaintext::Plaintext;

/// The tokens of a manifest, ready to be looked for.
pub struct Tokens {
    automaton: AhoCorasick,
}

/// Why a template cannot be rendered.
#[derive(Debug, Error)]
pub enum TemplateError<E: fmt::Display> {
    /// A token stands for a secret that cannot be had.
    #[error("{0}")]
    Value(E),
    /// Something looks like a token and stands for no secret.
    #[error("line {line} contains {token}, which stands for no secret of this manifest; rebuild with the secret declared")]
    Unknown {
        /// What looks like a token.
        token: String,
        /// The line of the template, from 1.
        line: usize,
    },
}

/// How a token of the Nix modules begins and ends.
const OPENING: &[u8] = b"<SOPS:";
const CLOSING: &[u8] = b":PLACEHOLDER>";

/// Tokens are some 85 bytes long; what is longer is no token.
const LONGEST: usize = 256;

impl Tokens {
    /// Prepares the search for `tokens`, none of which may be empty.
    ///
    /// # Errors
    /// When there are too many for the search to hold.
    pub fn new<'t>(tokens: impl IntoIterator<Item = &'t str>) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(tokens)?;
        Ok(Self { automaton })
    }

    /// How many bytes there are with `value(n)` in the place of each n-th token.
    ///
    /// # Errors
    /// When a value cannot be had, and when something is left that looks like a token.
    pub fn length<'v, E: fmt::Display>(
        &self,
        text: &[u8],
        value: impl Fn(usize) -> Result<&'v [u8], E>,
    ) -> Result<usize, TemplateError<E>> {
        let mut length: usize = 0;
        self.pieces(text, value, |piece| length = length.saturating_add(piece.len()))?;
        Ok(length)
    }

    /// Puts `value(n)` in the place of each n-th token. With `length` of the same, the text never moves in memory.
    ///
    /// # Errors
    /// Those of `length`.
    pub fn render<'v, E: fmt::Display>(
        &self,
        text: &[u8],
        length: usize,
        value: impl Fn(usize) -> Result<&'v [u8], E>,
    ) -> Result<Plaintext, TemplateError<E>> {
        let mut rendered = Plaintext::with_capacity(length);
        self.pieces(text, value, |piece| rendered.push(piece))?;
        Ok(rendered)
    }

    /// Gives `take` the text between tokens and their values, in order.
    fn pieces<'v, E: fmt::Display>(
        &self,
        text: &[u8],
        value: impl Fn(usize) -> Result<&'v [u8], E>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), TemplateError<E>> {
        let mut end = 0;
        for token in self.automaton.find_iter(text) {
            take(plain(text, end, token.start())?);
            take(value(token.pattern().as_usize()).map_err(TemplateError::Value)?);
            end = token.end();
        }
        take(plain(text, end, text.len())?);
        Ok(())
    }
}

/// Text between tokens.
fn plain<E: fmt::Display>(text: &[u8], from: usize, to: usize) -> Result<&[u8], TemplateError<E>> {
    let between = text.get(from..to).unwrap_or_default();
    if let Some((start, token)) = left_over(between) {
        let before = text.iter().take(from.saturating_add(start));
        return Err(TemplateError::Unknown {
            token: String::from_utf8_lossy(token).into_owned(),
            line: before.filter(|byte| **byte == b'\n').count().saturating_add(1),
        });
    }
    Ok(between)
}

/// The first thing that looks like a token, and where it starts. Looks back from where one could end, and never behind where an earlier
/// one could have ended, so that no text takes long.
fn left_over(text: &[u8]) -> Option<(usize, &[u8])> {
    let closings = text
        .windows(CLOSING.len())
        .enumerate()
        .filter(|(_, window)| *window == CLOSING);
    let mut passed = 0;
    for (closing, _) in closings {
        let end = closing.saturating_add(CLOSING.len());
        let start = passed.max(end.saturating_sub(LONGEST));
        let candidate = text.get(start..end)?;
        // A hash is graphic, and the message shows it.
        let word = candidate.rsplit(|byte| !byte.is_ascii_graphic()).next()?;
        if let Some(opening) = word.windows(OPENING.len()).position(|window| window == OPENING) {
            let token = word.get(opening..)?;
            return Some((end.saturating_sub(token.len()), token));
        }
        passed = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, secrets: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
        let tokens = Tokens::new(secrets.iter().map(|(token, _)| *token)).unwrap();
        let value = |n: usize| Ok::<_, String>(secrets[n].1);
        let length = tokens.length(text.as_bytes(), value).map_err(|error| error.to_string())?;
        let rendered = tokens.render(text.as_bytes(), length, value).unwrap();
        assert_eq!(rendered.len(), length);
        Ok(rendered.expose().to_vec())
    }

    #[test]
    fn a_value_that_contains_a_token_is_not_expanded_again() {
        let rendered = render("<A><B>", &[("<A>", b"1<B>"), ("<B>", b"2<A>")]);
        assert_eq!(rendered, Ok(b"1<B>2<A>".to_vec()));
    }

    #[test]
    fn a_value_that_is_no_utf8_passes_unchanged() {
        assert_eq!(render("x<A>y", &[("<A>", b"\xff\0\xfe")]), Ok(b"x\xff\0\xfey".to_vec()));
    }

    #[test]
    fn of_two_tokens_that_begin_alike_the_longer_counts() {
        assert_eq!(render("ab a", &[("a", b"1"), ("ab", b"2")]), Ok(b"2 1".to_vec()));
    }

    #[test]
    fn a_left_over_token_is_an_error_with_its_line() {
        let error = render("x\n<A>\n <SOPS:00ff:PLACEHOLDER>", &[("<A>", b"\n\n\n")]);
        assert_eq!(
            error,
            Err("line 3 contains <SOPS:00ff:PLACEHOLDER>, which stands for no secret of this manifest; rebuild with the secret declared".to_owned())
        );
    }

    #[test]
    fn of_several_left_over_tokens_the_first_is_told() {
        let long = "x".repeat(LONGEST);
        let text = format!(
            "<SOPS:{long}:PLACEHOLDER>\n<SOPS: :PLACEHOLDER>\n<SOPS:<SOPS:0:PLACEHOLDER>:PLACEHOLDER><SOPS:1:PLACEHOLDER>"
        );
        let error = render(&text, &[]).unwrap_err();
        assert!(
            error.starts_with("line 3 contains <SOPS:<SOPS:0:PLACEHOLDER>, which"),
            "{error}"
        );
    }

    #[test]
    fn a_token_inside_a_value_is_no_left_over() {
        let rendered = render("<A>", &[("<A>", b"<SOPS:00:PLACEHOLDER>")]);
        assert_eq!(rendered, Ok(b"<SOPS:00:PLACEHOLDER>".to_vec()));
    }

    #[test]
    fn text_about_tokens_is_no_token() {
        for text in [
            "<SOPS: is how it begins, and :PLACEHOLDER> is how it ends",
            "<SOPS:\u{9b}2J:PLACEHOLDER>",
        ] {
            assert_eq!(render(text, &[]), Ok(text.as_bytes().to_vec()));
        }
    }
}
