//! Renders templates: replaces all placeholders by values, in one pass.
//!
//! A value is never searched for placeholders. So a secret that contains the placeholder of another secret is copied unchanged. A
//! secret that is not UTF-8 is copied unchanged too.

use std::collections::HashMap;

use memchr::memmem::{self, Finder};

use crate::{system::plaintext::Plaintext, text::diagnosis::Diagnosis};

/// The placeholders of a manifest, prepared for the search in templates.
///
/// Each place where the text has the beginning that all placeholders share is looked up in a table. The Nix modules make placeholders
/// of one length, so this is one look-up. An automaton of all placeholders would need far more memory than manifest and templates.
pub struct Tokens<'t> {
    /// The beginning that all placeholders share. `None` if there is no placeholder.
    start: Option<Finder<'t>>,
    /// The index of each placeholder.
    indices: HashMap<&'t [u8], usize>,
    /// The lengths of the placeholders in bytes, the longest first.
    lengths: Vec<usize>,
}

/// A placeholder in a text: its index, and where it begins and ends.
struct Found {
    token: usize,
    start: usize,
    end: usize,
}

/// The beginning of each placeholder that the Nix modules make.
const OPENING: &[u8] = b"<SOPS:";
/// The end of each placeholder that the Nix modules make.
const CLOSING: &[u8] = b":PLACEHOLDER>";

/// Limit: a text of at most 256 bytes is taken for a placeholder. Placeholders of the Nix modules have about 85 bytes.
const LONGEST: usize = 256;

impl<'t> Tokens<'t> {
    /// Prepares the search for the placeholders `tokens`. No placeholder may be empty, and no two may be the same.
    pub fn new(tokens: impl IntoIterator<Item = &'t str>) -> Self {
        let indices: HashMap<_, _> = (0..).zip(tokens).map(|(index, token)| (token.as_bytes(), index)).collect();
        let mut lengths: Vec<_> = indices.keys().map(|token| token.len()).collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        Self {
            start: indices.keys().copied().reduce(shared).map(Finder::new),
            indices,
            lengths,
        }
    }

    /// The first placeholder in `text` from the position `from` on. Of several that begin at one place, the longest counts.
    fn find(&self, text: &[u8], mut from: usize) -> Option<Found> {
        let finder = self.start.as_ref()?;
        loop {
            let start = finder.find(text.get(from..)?)?.saturating_add(from);
            let mut ends = self.lengths.iter().map(|length| start.saturating_add(*length));
            let found = |end| Some((*self.indices.get(text.get(start..end)?)?, end));
            if let Some((token, end)) = ends.find_map(found) {
                return Some(Found { token, start, end });
            }
            from = start.saturating_add(1);
        }
    }

    /// The length of the rendered `text`, in bytes. The placeholder with the index `n` is replaced by `value(n)`.
    ///
    /// # Errors
    ///
    /// If a value is missing, or if a text remains that looks like a placeholder.
    pub fn length<'v>(&self, text: &[u8], value: impl Fn(usize) -> Result<&'v [u8], Diagnosis>) -> Result<usize, Diagnosis> {
        let mut length: usize = 0;
        self.pieces(text, value, |piece| length = length.saturating_add(piece.len()))?;
        Ok(length)
    }

    /// Renders `text`: replaces the placeholder with the index `n` by `value(n)`. `length` is the result of [`Self::length`] for the
    /// same text. The buffer has this length from the start, so the plaintext is never moved.
    ///
    /// # Errors
    ///
    /// The same errors as those of [`Self::length`].
    pub fn render<'v>(
        &self,
        text: &[u8],
        length: usize,
        value: impl Fn(usize) -> Result<&'v [u8], Diagnosis>,
    ) -> Result<Plaintext, Diagnosis> {
        let mut rendered = Plaintext::with_capacity(length);
        self.pieces(text, value, |piece| rendered.push(piece))?;
        Ok(rendered)
    }

    /// Calls `take` with each part of the rendered text, in order. The parts are the texts between placeholders, and the values.
    fn pieces<'v>(
        &self,
        text: &[u8],
        value: impl Fn(usize) -> Result<&'v [u8], Diagnosis>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Diagnosis> {
        let mut end = 0;
        while let Some(found) = self.find(text, end) {
            take(plain(text, end, found.start)?);
            take(value(found.token)?);
            end = found.end;
        }
        take(plain(text, end, text.len())?);
        Ok(())
    }
}

/// The beginning that both texts have.
fn shared<'t>(one: &'t [u8], other: &[u8]) -> &'t [u8] {
    let length = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    one.get(..length).unwrap_or_default()
}

/// The text between two placeholders. Fails if the text contains something that looks like a placeholder.
fn plain(text: &[u8], from: usize, to: usize) -> Result<&[u8], Diagnosis> {
    let between = text.get(from..to).unwrap_or_default();
    if let Some((start, token)) = left_over(between) {
        let before = text.iter().take(from.saturating_add(start));
        let line = before.filter(|byte| **byte == b'\n').count().saturating_add(1);
        let token = String::from_utf8_lossy(token);
        return Err(Diagnosis::new(
            format!("line {line} contains the placeholder {token}, but no secret of this manifest has that placeholder"),
            "declare the secret, and rebuild",
        ));
    }
    Ok(between)
}

/// Finds the first text that looks like a placeholder, and the position at which it starts.
///
/// The search looks for each closing mark, and from there backwards for an opening mark, but never past an earlier closing mark. So
/// the time grows in proportion to the text.
fn left_over(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut passed = 0;
    for closing in memmem::find_iter(text, CLOSING) {
        let end = closing.saturating_add(CLOSING.len());
        let start = passed.max(end.saturating_sub(LONGEST));
        let candidate = text.get(start..end)?;
        // Only the last word is searched, because a placeholder contains only visible characters. So a message can show what is
        // found.
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
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn render(text: &str, secrets: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
        let tokens = Tokens::new(secrets.iter().map(|(token, _)| *token));
        let value = |n: usize| Ok(secrets[n].1);
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

    proptest! {
        /// The letters are few, so that placeholders overlap, contain each other, and share a beginning.
        #[test]
        fn whatever_the_placeholders_the_leftmost_is_replaced_and_of_those_the_longest(
            tokens in btree_set("[ab]{1,3}|<[ab]{1,2}", 0..6),
            text in "[ab<]{0,12}",
        ) {
            let secrets: Vec<_> = tokens.iter().map(|token| (token.as_str(), &b"."[..])).collect();
            let mut expected = String::new();
            let mut rest = text.as_str();
            while let Some(first) = rest.get(..1) {
                let token = tokens.iter().filter(|token| rest.starts_with(token.as_str())).max_by_key(|token| token.len());
                expected += if token.is_some() { "." } else { first };
                rest = &rest[token.map_or(1, String::len)..];
            }
            prop_assert_eq!(render(&text, &secrets), Ok(expected.into_bytes()));
        }
    }

    #[test]
    fn a_left_over_token_is_an_error_with_its_line() {
        let error = render("x\n<A>\n <SOPS:00ff:PLACEHOLDER>", &[("<A>", b"\n\n\n")]);
        assert_eq!(
            error,
            Err("line 3 contains the placeholder <SOPS:00ff:PLACEHOLDER>, but no secret of this manifest has that placeholder; declare the secret, and rebuild".to_owned())
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
            error.starts_with("line 3 contains the placeholder <SOPS:<SOPS:0:PLACEHOLDER>, but"),
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
