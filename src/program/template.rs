//! Renders templates: replaces all placeholders by values.
//!
//! A value is never searched for placeholders. So a secret that contains the placeholder of another secret is copied unchanged. A
//! secret that is not UTF-8 is copied unchanged too.

use memchr::{memchr2, memchr3};

use super::{
    left_over::plain,
    quotes::Quotes,
    surroundings::Surroundings,
    surroundings_scan::SurroundingsScan,
    tokens::{Found, Places, Reference, Tokens},
};
use crate::{sops::env_file::Take, system::plaintext::Plaintext, text::diagnosis::Diagnosis};

/// A place in a template at which a value is written.
pub struct Slot<'t, 's> {
    /// What stands there.
    pub reference: Reference<'t>,
    /// Finds out what stands around it.
    surroundings: &'s mut dyn FnMut() -> Surroundings<'s>,
}

impl Slot<'_, '_> {
    /// Takes `value` as it is written at this place.
    ///
    /// # Errors
    ///
    /// When the filter has no spelling for the value there.
    pub fn write(self, value: &[u8], take: Take<'_>) -> Result<(), Diagnosis> {
        let Reference { secret, filter } = self.reference;
        let Some(filter) = filter else {
            take(value);
            return Ok(());
        };
        let written = filter
            .fit(&(self.surroundings)())
            .and_then(|quotes| filter.write(value, quotes, take));
        written.map_err(|error| error.diagnosis(filter, secret))
    }

    /// Whether `value` is written without escapes between quotes, and has a character that probably does not belong there.
    #[must_use]
    pub fn is_doubtful(&mut self, value: &[u8]) -> bool {
        let value = self.reference.filter.map_or(value, |filter| filter.without_escapes(value));
        // Few values have such a character, and only then it counts what stands around the place.
        if memchr3(b'"', b'\'', b'\\', value).is_none() && memchr2(b'\n', b'\r', value).is_none() {
            return false;
        }
        let special: &[u8] = match (self.surroundings)().quotes {
            Some(Quotes::Double) => b"\"\\\n\r",
            Some(Quotes::Single) => b"'\n\r",
            None => b"",
        };
        value.iter().any(|byte| special.contains(byte))
    }
}

/// Limit: at most 1,000 places of placeholders are kept of a template. With more of them, its text is searched again, because the places
/// might take far more memory than the text.
const MOST_KEPT: usize = 1_000;

/// What a first look through the text of a template tells.
pub struct Measured<'t> {
    /// The length of the rendered text, in bytes.
    pub length: usize,
    /// The places of all placeholders, in their order; `None` if they were not kept.
    places: Option<Vec<Found<'t>>>,
}

impl Measured<'_> {
    /// A text about which nothing is known but the length of the rendered text: this many bytes, or about that many.
    pub(crate) fn about(length: usize) -> Self {
        Self { length, places: None }
    }
}

impl<'t> Tokens<'t> {
    /// The length of the rendered `text`, and the places in it. `write` takes the value at a place of a placeholder.
    ///
    /// # Errors
    ///
    /// The errors of `write`; and if a text remains that looks like a placeholder.
    pub fn measure(
        &self,
        text: &[u8],
        write: impl FnMut(Slot<'t, '_>, Take<'_>) -> Result<(), Diagnosis>,
    ) -> Result<Measured<'t>, Diagnosis> {
        let (mut length, mut kept, mut places): (usize, _, _) = (0, Vec::new(), Places::of(self, text));
        let next = |end: usize| {
            let found = places.next(end)?;
            if kept.len() <= MOST_KEPT {
                kept.push(found);
            }
            Some(found)
        };
        let between = |from: usize, to: usize| plain(self, text, from, to);
        self.pieces(text, next, between, write, &mut |piece| {
            length = length.saturating_add(piece.len());
        })?;
        let places = (kept.len() <= MOST_KEPT).then_some(kept);
        Ok(Measured { length, places })
    }

    /// Renders `text`, with what `write` takes at each place of a placeholder. `measured` is the result of [`Self::measure`] for the
    /// same text. The buffer has the right length from the start, so the plaintext is never moved.
    ///
    /// # Errors
    ///
    /// The same errors as those of [`Self::measure`].
    pub fn render(
        &self,
        text: &[u8],
        measured: &Measured<'t>,
        write: impl FnMut(Slot<'t, '_>, Take<'_>) -> Result<(), Diagnosis>,
    ) -> Result<Plaintext, Diagnosis> {
        let mut rendered = Plaintext::with_capacity(measured.length);
        let take: Take<'_> = &mut |piece| rendered.push(piece);
        if let Some(places) = &measured.places {
            let (mut places, between) = (places.iter(), |from, to| Ok(text.get(from..to).unwrap_or_default()));
            self.pieces(text, |_| places.next().copied(), between, write, take)?;
        } else {
            let (mut places, between) = (Places::of(self, text), |from, to| plain(self, text, from, to));
            self.pieces(text, |end| places.next(end), between, write, take)?;
        }
        Ok(rendered)
    }

    /// Calls `take` with each part of the rendered text, in order. The parts are the texts between placeholders, and what `write` takes.
    /// `next` gives the first placeholder from a position on, and `between` the text between two positions.
    fn pieces<'x>(
        &self,
        text: &'x [u8],
        mut next: impl FnMut(usize) -> Option<Found<'t>>,
        between: impl Fn(usize, usize) -> Result<&'x [u8], Diagnosis>,
        mut write: impl FnMut(Slot<'t, '_>, Take<'_>) -> Result<(), Diagnosis>,
        take: Take<'_>,
    ) -> Result<(), Diagnosis> {
        let (mut scan, mut end) = (SurroundingsScan::of(self, text), 0);
        while let Some(found) = next(end) {
            take(between(end, found.start)?);
            let slot = Slot {
                reference: found.reference,
                surroundings: &mut || scan.around(found.start, found.end),
            };
            write(slot, take)?;
            end = found.end;
        }
        take(between(end, text.len())?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn render(text: &str, secrets: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
        let tokens = Tokens::new(secrets.iter().map(|(token, _)| (*token, *token)));
        render_with(&tokens, text, secrets)
    }

    /// Renders with the values of the secrets, each given by its name.
    fn render_with(tokens: &Tokens<'_>, text: &str, secrets: &[(&str, &[u8])]) -> Result<Vec<u8>, String> {
        let write = |slot: Slot<'_, '_>, take: Take<'_>| {
            let value = secrets.iter().find(|(name, _)| *name == slot.reference.secret);
            slot.write(value.unwrap().1, take)
        };
        let measured = tokens.measure(text.as_bytes(), write).map_err(|error| error.to_string())?;
        let rendered = tokens.render(text.as_bytes(), &measured, write).unwrap();
        assert_eq!(rendered.len(), measured.length);
        let searched_again = tokens.render(text.as_bytes(), &Measured::about(0), write).unwrap();
        assert!(searched_again.expose() == rendered.expose());
        Ok(rendered.expose().to_vec())
    }

    #[test]
    fn a_template_of_more_placeholders_than_are_kept_is_rendered_too() {
        for count in [MOST_KEPT, MOST_KEPT + 1] {
            assert_eq!(render(&"<A>".repeat(count), &[("<A>", b"x")]), Ok(vec![b'x'; count]));
        }
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
        let long = "x".repeat(256);
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

    /// Renders with the secrets `db` and `a@b|json`, whose placeholder is `<SOPS:00:PLACEHOLDER>` for the former.
    fn render_named(text: &str) -> Result<String, String> {
        let names = ["db", "a@b", "a@b|json"];
        let tokens = Tokens::new([("<SOPS:00:PLACEHOLDER>", "db"), ("%p", "db")]).with_names(names);
        let values: [(&str, &[u8]); 3] = [("db", b"1\"2"), ("a@b", b"3\n4"), ("a@b|json", b"5")];
        render_with(&tokens, text, &values).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_filter_and_a_name_are_spelled_in_two_ways() {
        for (text, rendered) in [
            ("@sops:db@", "1\"2"),
            ("@sops:db|json@ @sops:db@", r#""1\"2" 1"2"#),
            ("<SOPS:00:json:PLACEHOLDER>", r#""1\"2""#),
            ("<SOPS:00:first-line:PLACEHOLDER>", "1\"2"),
            (r#"{"a":"<SOPS:00:json:PLACEHOLDER>"}"#, r#"{"a":"1\"2"}"#),
            ("<SOPS:00:PLACEHOLDER>@sops:db@%p", "1\"21\"21\"2"),
            ("@sops:a@b@ @sops:a@b|base64@", "3\n4 Mwo0"),
            ("- |\n  @sops:a@b|indent-2@\n", "- |\n  3\n  4\n"),
            // The longest name counts.
            ("@sops:a@b|json@@sops:a@b|first-line@", "53"),
            // A value that nobody asks about is part of a word, too.
            ("echo $%p@sops:db|sh@", "echo $1\"2'1\"2'"),
        ] {
            assert_eq!(render_named(text).as_deref(), Ok(rendered), "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_name_is_one_or_an_error() {
        for (text, said) in [
            (
                "\n@sops:bd@",
                "line 2 contains the placeholder @sops:bd@, but this manifest has no secret \"bd\"; declare the secret, or write db",
            ),
            (
                "\n@sops:bd@sops:db@",
                "line 2 contains the placeholder @sops:bd@, but this manifest has no secret \"bd\"; declare the secret, or write db",
            ),
            (
                "u:@sops:db@@sops:bd@",
                "line 1 contains the placeholder @sops:bd@, but this manifest has no secret \"bd\"; declare the secret, or write db",
            ),
            (
                "@sops:x/y@",
                "line 1 contains the placeholder @sops:x/y@, but this manifest has no secret \"x/y\"; declare the secret, and rebuild",
            ),
            (
                "@sops:db|jsn@",
                "line 1 contains the placeholder @sops:db|jsn@, but there is no filter \"jsn\"; the filters are json, yaml, env, sh, nix, url, xml, base64, first-line and indent-1 to indent-99",
            ),
            (
                "<SOPS:00:jsn:PLACEHOLDER>",
                "line 1 contains the placeholder <SOPS:00:jsn:PLACEHOLDER>, but no secret of this manifest has that placeholder; declare the secret, and rebuild",
            ),
            (
                "A=%p\"@sops:db|json@\"",
                "it is not clear whether secret \"db\" with the filter json is between quotes; write it as a string of its own on the line",
            ),
            (
                "'@sops:db|json@'",
                "secret \"db\" with the filter json is between single quotes, which know no escapes; write double quotes, or none",
            ),
        ] {
            assert_eq!(render_named(text), Err(said.to_owned()), "{text}");
        }
        for text in [
            "@sops:db | json@",
            "@sops:db|json @",
            "@sops:x y@",
            "@sops:gr\u{f6}\u{df}e@",
            "@sops:db",
            "@sops:db|json",
            "@sops:db\"",
            "@sops:db', 'x': '@sops:db@'",
            "@sops:db)@",
            "@sops:db|json\", \"a@b\"",
        ] {
            let start = text.strip_suffix('@').unwrap_or(text);
            let start = start.find(['"', '\'', ')']).map_or(start, |end| &start[..end]);
            assert_eq!(
                render_named(text),
                Err(format!(
                    "line 1 contains \"{start}\", which begins like a placeholder; write @sops:NAME@ or @sops:NAME|FILTER@, without blanks"
                )),
                "{text}"
            );
        }
        for text in [
            "amqp://u:@sops:db@@sops:5672,u:p@other:5672",
            "redis://:@sops:db@@sops:6379/@sops:db@",
        ] {
            assert_eq!(render_named(text), Ok(text.replace("@sops:db@", "1\"2")), "{text}");
        }
        for text in [
            "mail me@sops: now@",
            "@sops:@",
            "user@sops:/path",
            "amqp://u:p@sops:5672,u:p@other:5672",
            "redis://@sops",
            "ssh @sops:22",
            "\"@sops:d\"",
            "\"@sops:22\"",
            "<SOPS:00:json>",
        ] {
            assert_eq!(render_named(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_manifest_without_names_has_only_its_placeholders() {
        let text = "@sops:db@ @sops:x@ P";
        assert_eq!(render(text, &[("P", b"1")]), Ok(b"@sops:db@ @sops:x@ 1".to_vec()));
    }

    #[test]
    fn a_plain_value_between_quotes_is_doubtful_if_it_does_not_belong_there() {
        let is_doubtful = |text: &str, value: &str| {
            let tokens = Tokens::new([("P", "db")]).with_names(["db"]);
            let mut is_doubtful = false;
            let look = |mut slot: Slot<'_, '_>, _: Take<'_>| {
                is_doubtful |= slot.is_doubtful(value.as_bytes());
                Ok(())
            };
            tokens.measure(text.as_bytes(), look).unwrap();
            is_doubtful
        };
        for value in ["a\"b", "a\nb", "a\\", "a\r"] {
            assert!(is_doubtful("{\"a\": \"x P\"}", value), "{value:?}");
            assert!(!is_doubtful("{\"a\": P}", value), "{value:?}");
            assert!(!is_doubtful("{\"a\": \"x @sops:db|json@\"}", value), "{value:?}");
        }
        assert!(!is_doubtful("A=\"P\"", "it's plain"));
        assert!(is_doubtful("A='P'", "it's plain"));
    }
}
