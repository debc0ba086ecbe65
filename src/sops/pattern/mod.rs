//! Patterns of Go's `regexp` package, matched as that does.
//!
//! The `regex` crate is of the same family, but reads some spellings in another way: character classes are Unicode's there and
//! ASCII's in Go, brackets nest, braces always repeat. So a pattern is read by Go's grammar and written down again so that it
//! cannot be misunderstood. Groups become non-capturing and repetitions greedy, because only whether there is a match counts.
//!
//! What remains different is refused, that is, matches nothing: escaped surrogates, a second repetition with only flags before it
//! (`a*(?i)*`), and more than 250 levels of nesting.
//!
//! Who wrote the file chose both the pattern and the text, so both the size of a pattern and the work of its matches are bounded, and a
//! file that needs more is [refused](PatternError).

mod automaton;
mod characters;

use std::{borrow::Cow, fmt::Write as _};

use automaton::Automaton;
use regex_automata::{nfa::thompson, util::syntax};
use thiserror::Error;

/// The most bytes of a pattern as it stands in a file.
const LONGEST: usize = 64 << 10;
/// The most bytes of a compiled pattern. Two thousand names in either case have 1.4 MB, 64 Unicode letters 1 MB.
const LARGEST: usize = 10 << 20;

/// A compiled pattern. One that Go refuses matches nothing, because sops ignores that error.
pub(crate) struct Pattern(Option<Automaton>);

/// Why a pattern is not followed, though sops would follow it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// There are too many texts for one like this.
    #[error("is a pattern that takes too long to match")]
    TooSlow,
    /// It has more than 64 KiB, or more than 10 MiB when compiled.
    #[error("is a pattern that is too large")]
    TooLarge,
}

impl Pattern {
    /// Compiles a pattern as it stands in a file.
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn new(pattern: &[u8]) -> Result<Self, PatternError> {
        if pattern.len() > LONGEST {
            return Err(PatternError::TooLarge);
        }
        let Some(pattern) = str::from_utf8(pattern).ok().and_then(translate) else {
            return Ok(Self(None));
        };
        Ok(Self(nfa(&pattern)?.and_then(Automaton::new)))
    }

    /// Whether the pattern matches anywhere in the text. A byte that is not UTF-8 counts as U+FFFD.
    ///
    /// # Errors
    /// When that, with all texts before, takes too long.
    pub(crate) fn matches(&mut self, text: &[u8]) -> Result<bool, PatternError> {
        let automaton = self.0.as_mut();
        automaton.map_or(Ok(false), |automaton| automaton.matches(&with_replacements(text)))
    }
}

/// A translated pattern, compiled. What is before a match is whole characters: within one, the automaton would see the border of two bytes.
/// Nothing where it is none.
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

/// The text with U+FFFD in the place of every byte that is not UTF-8.
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

/// The greatest number of repetitions, nested ones multiplied, that Go allows.
const MAX_REPETITIONS: usize = 1000;

/// The pattern as the `regex` crate must have it. `None` if Go refuses it, though not in every such case: what both refuse is
/// left for the crate to find.
fn translate(pattern: &str) -> Option<String> {
    let mut translator = Translator {
        rest: pattern,
        ..Translator::default()
    };
    while !translator.rest.is_empty() {
        translator.token()?;
    }
    Some(translator.out)
}

/// How often the parts of a group are repeated at most.
#[derive(Clone, Copy, Default)]
struct Weights {
    /// The part read last, to which a repetition applies.
    last: usize,
    /// The heaviest of those before it.
    earlier: usize,
}

impl Weights {
    fn push(&mut self, weight: usize) {
        self.earlier = self.earlier.max(self.last);
        self.last = weight;
    }
}

#[derive(Default)]
struct Translator<'a> {
    rest: &'a str,
    out: String,
    /// Flags to be written before the next part: in Go, a repetition behind them still belongs to the part before.
    flags: String,
    /// Of the group that is being read.
    weights: Weights,
    /// Of the groups around it.
    outer: Vec<Weights>,
    /// Whether the part read last is repeated already, which Go allows only once.
    repeated: bool,
}

impl<'a> Translator<'a> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Everything up to `end`, which is skipped.
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    fn begin(&mut self, weight: usize) {
        self.weights.push(weight);
        self.repeated = false;
        self.out.push_str(&std::mem::take(&mut self.flags));
    }

    /// Writes a part that can be repeated.
    fn part(&mut self, text: &str) {
        self.begin(1);
        self.out.push_str(text);
    }

    fn literal(&mut self, character: char) {
        self.begin(1);
        push_literal(&mut self.out, character);
    }

    fn token(&mut self) -> Option<()> {
        match self.next()? {
            '(' => self.open()?,
            ')' => self.close()?,
            '|' => {
                self.begin(0);
                self.out.push('|');
            }
            '*' => self.repeat("*", 1)?,
            '+' => self.repeat("+", 1)?,
            '?' => self.repeat("?", 1)?,
            '{' => match self.braces() {
                Some((operator, count)) => self.repeat(&operator, count?)?,
                None => self.literal('{'),
            },
            '[' => self.bracket()?,
            '\\' => self.escape()?,
            '^' => self.part("^"),
            '$' => self.part("$"),
            '.' => self.part("."),
            other => self.literal(other),
        }
        Some(())
    }

    /// An opening parenthesis, with the name or the flags behind it.
    fn open(&mut self) -> Option<()> {
        if !self.rest.starts_with('?') {
            self.open_group("(?:");
        } else if self.eat("?P<") || self.eat("?<") {
            let name = self.until(">")?;
            let valid = !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            valid.then(|| self.open_group("(?:"))?;
        } else if self.eat("?") {
            let (flags, is_group) = self.flags()?;
            if is_group {
                self.open_group(&format!("(?{flags}:"));
            } else if !flags.is_empty() {
                let _ = write!(self.flags, "(?{flags})");
            }
        }
        Some(())
    }

    fn open_group(&mut self, opening: &str) {
        self.begin(0);
        self.out.push_str(opening);
        self.outer.push(std::mem::take(&mut self.weights));
    }

    fn close(&mut self) -> Option<()> {
        let inside = self.weights.last.max(self.weights.earlier);
        self.weights = self.outer.pop()?;
        self.weights.push(inside.max(1));
        self.repeated = false;
        self.flags.clear();
        self.out.push(')');
        Some(())
    }

    /// Flags up to `:` or `)`, and whether it was `:`. `U`, which swaps greed, plays no part here.
    fn flags(&mut self) -> Option<(String, bool)> {
        let (mut on, mut off) = (String::new(), String::new());
        let (mut negative, mut seen) = (false, false);
        loop {
            match self.next()? {
                flag @ ('i' | 'm' | 's') => {
                    on.retain(|other| other != flag);
                    off.retain(|other| other != flag);
                    if negative { &mut off } else { &mut on }.push(flag);
                    seen = true;
                }
                'U' => seen = true,
                '-' if !negative => (negative, seen) = (true, false),
                end @ (':' | ')') if !negative || seen => {
                    let minus = if off.is_empty() { "" } else { "-" };
                    return Some((format!("{on}{minus}{off}"), end == ':'));
                }
                _ => return None,
            }
        }
    }

    /// A repetition of the last part, `count` times at most.
    fn repeat(&mut self, operator: &str, count: usize) -> Option<()> {
        self.eat("?");
        let stacked = std::mem::replace(&mut self.repeated, true);
        self.weights.last = self.weights.last.checked_mul(count)?;
        self.out.push_str(operator);
        (!stacked && self.weights.last <= MAX_REPETITIONS).then_some(())
    }

    /// The braces `{n}`, `{n,}` or `{n,m}` and how much they count, `None` in that for too much; `None` if it is none of these and
    /// stands for itself.
    fn braces(&mut self) -> Option<(String, Option<usize>)> {
        let (inside, rest) = self.rest.split_once('}')?;
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let open = most.is_empty();
        (is_count(least) && (open || is_count(most))).then_some(())?;
        self.rest = rest;
        let limited = |text: &str| text.parse().ok().filter(|&count: &usize| count <= MAX_REPETITIONS);
        let count = limited(least).and_then(|least| match limited(most) {
            _ if open => Some(least.max(1)),
            Some(most) if least <= most => Some(most),
            _ => None,
        });
        Some((format!("{{{inside}}}"), count))
    }
}

/// Whether the text is a number as Go wants it in braces.
fn is_count(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

/// Writes a character so that it stands for itself everywhere.
fn push_literal(out: &mut String, character: char) {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(character));
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each pattern of the table was tried on.
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

    /// A pattern, a tab, and what Go's `regexp.Match` says: `-` for a pattern that it refuses, or in hexadecimal a bit for each
    /// text, the first one lowest.
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

    /// sops 3.13.3 decrypts a file with any of these.
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

    /// sops 3.13.3 decrypts a file with as many such keys, and with four times as many.
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
