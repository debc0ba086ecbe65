//! Regular expressions of Go's `regexp` package, matched as Go matches them.
//!
//! Go's engine and the Rust crate `regex` both belong to the family of RE2, which matches in linear time. Still, the crate reads
//! some spellings differently. In the crate, character classes are those of Unicode (in Go, of ASCII), brackets nest, and braces
//! always repeat. So a pattern is read by Go's grammar, and written again in spellings that the crate reads as Go does. Only the
//! existence of a match counts. So groups become non-capturing, and repetitions become greedy.
//!
//! A pattern that cannot be translated matches nothing. Such a pattern has an escaped surrogate, more than 250 levels of
//! nesting, or a second repetition that only flags separate from the first (`a*(?i)*`).
//!
//! Whoever wrote the file chose both the pattern and the text. So there are limits for the size of a pattern, and for the work of
//! matching. A file that exceeds a limit is [refused](PatternError).

mod automaton;
mod characters;
mod literal;
mod problem;
mod translator;

use std::borrow::Cow;

use automaton::Automaton;
pub(crate) use problem::PatternError;
use regex_automata::{nfa::thompson, util::syntax};
use translator::translate;

/// Limit: a pattern in a file may have at most this many bytes (64 KiB).
const LONGEST: usize = 64 << 10;
/// Limit: a compiled pattern may have at most this many bytes (10 MiB). A pattern of two thousand names that ignores case takes 1.4
/// MB. A pattern for 64 Unicode letters takes 1 MB.
const LARGEST: usize = 10 << 20;

/// A compiled pattern. `None` stands for a pattern that Go refuses. Such a pattern matches nothing, because sops ignores the
/// error.
pub(crate) struct Pattern(Option<Automaton>);

impl Pattern {
    /// Compiles a pattern, given its bytes in the file.
    ///
    /// # Errors
    /// When the pattern is too large.
    pub(crate) fn new(pattern: &[u8]) -> Result<Self, PatternError> {
        if pattern.len() > LONGEST {
            return Err(PatternError::TooLarge);
        }
        let Some(pattern) = str::from_utf8(pattern).ok().and_then(translate) else {
            return Ok(Self(None));
        };
        Ok(Self(nfa(&pattern)?.and_then(Automaton::new)))
    }

    /// Whether the pattern can be followed. If not, it matches nothing.
    pub(crate) fn is_valid(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the pattern matches anywhere in the text. Each byte that is not UTF-8 counts as U+FFFD.
    ///
    /// # Errors
    /// When the work for this text and all earlier texts exceeds the limit.
    pub(crate) fn matches(&mut self, text: &[u8]) -> Result<bool, PatternError> {
        let automaton = self.0.as_mut();
        automaton.map_or(Ok(false), |automaton| automaton.matches(&with_replacements(text)))
    }
}

/// Compiles a translated pattern to an NFA (a nondeterministic automaton). Returns `None` if the `regex` crate refuses the pattern.
/// A match can begin at the start of the text and behind each character, but not between the bytes of one character. Between the
/// bytes of one character, the automaton would find word boundaries that Go does not have.
fn nfa(pattern: &str) -> Result<Option<thompson::NFA>, PatternError> {
    let anywhere = format!(r"(?s:\A.*?)(?:{pattern})");
    let limits = thompson::Config::new()
        .utf8(false)
        .which_captures(thompson::WhichCaptures::None)
        .nfa_size_limit(Some(LARGEST));
    let built = thompson::Compiler::new()
        .syntax(syntax::Config::new().utf8(false))
        .configure(limits)
        .build(&anywhere);
    match built {
        Err(error) if error.size_limit().is_some() => Err(PatternError::TooLarge),
        built => Ok(built.ok()),
    }
}

/// The text with U+FFFD in the place of each byte that is not UTF-8.
fn with_replacements(text: &[u8]) -> Cow<'_, [u8]> {
    if str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for chunk in text.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts on which each pattern of the table was tried.
    const TEXTS: [&[u8]; 47] = [
        b"",
        b"a",
        b"aa",
        b"A",
        b"k",
        b"\xe2\x84\xaa",
        b"\xc5\xbf",
        b"s",
        b"\xc3\xa9",
        b"\xc3\x89",
        b"_",
        b"1",
        b"\xd9\xa3",
        b"a1",
        b"a b",
        b" ",
        b"\x09",
        b"\x0b",
        b"\x0a",
        b"a\x0ab",
        b"\xc2\xa0",
        b"\xff",
        b"\xef\xbf\xbd",
        b"[",
        b"]",
        b"&",
        b"-",
        b"{",
        b"{x}",
        b"a{,3}",
        b"\x5c",
        b"b",
        b"z",
        b"a\xc3\xa9",
        b"\xc3\xa9a",
        b"\xce\xb1",
        b"~",
        b"password",
        b"db_password",
        b"data",
        b"stringData",
        b"metadata",
        b"a.b",
        b":",
        b"#",
        b"a|b",
        b"QE",
    ];

    /// Each line has a pattern, a tab, and the result of Go's `regexp.Match` for the pattern. If Go refuses the pattern, the result
    /// is `-`. Otherwise the result is a hexadecimal number with one bit for each text of [`TEXTS`]. The bit is 1 if the pattern
    /// matches the text. The lowest bit is for the first text.
    const TABLE: &str = include_str!("go.tsv");

    #[test]
    fn patterns_match_what_go_says() {
        let mut patterns = 0;
        for line in TABLE.lines() {
            let (pattern, matches) = line.split_once('\t').unwrap();
            let expected = u64::from_str_radix(matches, 16).unwrap_or_default();
            let mut compiled = Pattern::new(pattern.as_bytes()).unwrap();
            let ours = TEXTS
                .iter()
                .rev()
                .fold(0, |bits, text| bits << 1 | u64::from(compiled.matches(text).unwrap()));
            assert_eq!(format!("{ours:x}"), format!("{expected:x}"), "{pattern}");
            patterns += 1;
        }
        assert_eq!(patterns, 285);
    }

    fn matches(pattern: &[u8], text: &[u8]) -> Result<bool, PatternError> {
        Pattern::new(pattern)?.matches(text)
    }

    #[test]
    fn a_pattern_that_is_not_utf8_matches_nothing() {
        assert_eq!(matches("a|\u{ff}".as_bytes(), b"a"), Ok(true));
        assert_eq!(matches(b"a|\xff", b"a"), Ok(false));
    }

    #[test]
    fn a_second_repetition_behind_flags_matches_nothing() {
        assert_eq!(matches(b"a*(?i)*", b"a"), Ok(false));
    }

    #[test]
    fn a_pattern_for_which_each_byte_is_news_is_given_up() {
        let text = |length: usize| -> Vec<u8> {
            let bits = (0..length).scan(1_u64, |state, _| {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                Some(if *state >> 62 & 1 == 0 { b'a' } else { b'b' })
            });
            bits.collect()
        };
        let pattern = b"(a|b)*a(a|b){1000}c";
        assert_eq!(matches(pattern, &text(1000)), Ok(false));
        assert_eq!(matches(pattern, &text(1 << 20)), Err(PatternError::TooSlow));
        assert_eq!(matches(b"(a|b)*a(a|b){3}c", &text(1 << 20)), Ok(false));
    }

    #[test]
    fn a_pattern_that_compiles_to_many_megabytes_is_refused() {
        assert_eq!(
            matches("x[^a]{1000}".repeat(100).as_bytes(), b"x"),
            Err(PatternError::TooLarge)
        );
    }

    /// sops 3.13.3 decrypts a file with any of these patterns.
    #[test]
    fn a_pattern_of_a_megabyte_is_followed() {
        let names: Vec<_> = (0..2000_u32)
            .map(|number| format!("{:016x}", number.wrapping_mul(2_654_435_761)))
            .collect();
        let names = names.join("|");
        assert_eq!(matches(format!("^({names})$").as_bytes(), b"000000009e3779b1"), Ok(true));
        assert_eq!(matches(format!("(?i)^({names})$").as_bytes(), b"000000009E3779B1"), Ok(true));
        assert_eq!(matches(r"^\p{L}{1,64}$".as_bytes(), "ä".repeat(64).as_bytes()), Ok(true));
        assert_eq!(
            matches(r"^[\p{L}\p{N}_]{1,64}$".as_bytes(), "ä".repeat(65).as_bytes()),
            Ok(false)
        );
    }

    /// sops 3.13.3 decrypts a file with as many keys as this test has, and a file with four times as many.
    #[test]
    fn the_number_of_keys_does_not_make_a_pattern_slow() {
        const WORDS: &str = "secret token user password host key staging backup admin oauth port url service api region database";
        let words: Vec<_> = WORDS.split(' ').collect();
        let mut state = 1_u64;
        let mut key = || {
            let word = |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                words[(state >> 60) as usize]
            };
            (0..8).map(word).collect::<Vec<_>>().join("_")
        };
        let mut pattern = Pattern::new(b"(?i)(password|secret).{0,60}(token|key)$").unwrap();
        let mut found = 0;
        for _ in 0..10_000 {
            let key = key();
            let ends = key.ends_with("token") || key.ends_with("key");
            let matched = pattern.matches(key.as_bytes()).unwrap();
            assert!(ends || !matched, "{key}");
            found += usize::from(matched);
        }
        assert!((500..1_500).contains(&found), "{found}");
    }
}
