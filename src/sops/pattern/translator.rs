//! Reads a pattern by Go's grammar, and writes the pattern so that the `regex` crate reads it as Go does.

use std::fmt::Write as _;

use super::literal::push_literal;

/// Limit: Go allows at most this many repetitions of a part of a pattern. The repetitions of the part and of all groups around the
/// part are multiplied.
const MAX_REPETITIONS: usize = 1000;

/// Translates a pattern for the `regex` crate. If Go refuses the pattern, the result is `None` or a text that the crate refuses
/// too.
pub(crate) fn translate(pattern: &str) -> Option<String> {
    let mut translator = Translator {
        rest: pattern,
        ..Translator::default()
    };
    while !translator.rest.is_empty() {
        translator.token()?;
    }
    Some(translator.out)
}

/// The repetitions of the parts of one group. The repetitions of a part inside another part are multiplied.
#[derive(Clone, Copy, Default)]
struct Weights {
    /// The most repetitions of the part that was read last. A repetition that follows applies to this part.
    last: usize,
    /// The most repetitions among all earlier parts of the group.
    earlier: usize,
}

impl Weights {
    /// Adds a part with this number of repetitions.
    fn push(&mut self, weight: usize) {
        self.earlier = self.earlier.max(self.last);
        self.last = weight;
    }
}

#[derive(Default)]
pub(crate) struct Translator<'a> {
    /// The text of the pattern that has not been read.
    pub(crate) rest: &'a str,
    /// The translation of the text that has been read.
    pub(crate) out: String,
    /// Flags that must be written before the next part. In Go, a repetition behind flags still belongs to the part before the
    /// flags. So flags are not written at once.
    flags: String,
    /// The repetitions of the parts in the group that is being read.
    weights: Weights,
    /// The repetitions of the parts in the groups around the current group, outermost first.
    outer: Vec<Weights>,
    /// Whether the part of the pattern that was read last already has a repetition. Go allows only one.
    repeated: bool,
}

impl<'a> Translator<'a> {
    /// Reads the next character of the pattern.
    pub(crate) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    /// Reads `prefix`, if the text begins with this prefix. Returns whether the prefix was read.
    pub(crate) fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads the text of the pattern before `end`, and skips `end`. Returns `None` if there is no `end`.
    pub(crate) fn until(&mut self, end: &str) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    /// Begins a part with this number of repetitions. The flags that wait for the next part are written.
    pub(crate) fn begin(&mut self, weight: usize) {
        self.weights.push(weight);
        self.repeated = false;
        self.out.push_str(&std::mem::take(&mut self.flags));
    }

    /// Writes a part of a pattern that a repetition may follow.
    pub(crate) fn part(&mut self, text: &str) {
        self.begin(1);
        self.out.push_str(text);
    }

    /// Writes a character of a pattern that stands for itself.
    pub(crate) fn literal(&mut self, character: char) {
        self.begin(1);
        push_literal(&mut self.out, character);
    }

    /// Translates the next part or operator of the pattern.
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

    /// Translates an opening parenthesis, and the name or the flags behind the parenthesis.
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

    /// Begins a group with the text `opening`.
    fn open_group(&mut self, opening: &str) {
        self.begin(0);
        self.out.push_str(opening);
        self.outer.push(std::mem::take(&mut self.weights));
    }

    /// Ends a group. Flags inside the group do not reach beyond the group.
    fn close(&mut self) -> Option<()> {
        let inside = self.weights.last.max(self.weights.earlier);
        self.weights = self.outer.pop()?;
        self.weights.push(inside.max(1));
        self.repeated = false;
        self.flags.clear();
        self.out.push(')');
        Some(())
    }

    /// Reads flags up to `:` or `)`. Returns the flags, and whether they end with `:`. The flag `U`, which swaps greedy and lazy,
    /// is dropped, because the existence of a match does not depend on this flag.
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

    /// Adds the repetition `operator` to the part that was read last. `count` is what the operator counts against
    /// [`MAX_REPETITIONS`]. Only numbers in braces count, so `count` is 1 for `*`, `+` and `?`.
    fn repeat(&mut self, operator: &str, count: usize) -> Option<()> {
        self.eat("?");
        let stacked = std::mem::replace(&mut self.repeated, true);
        self.weights.last = self.weights.last.checked_mul(count)?;
        self.out.push_str(operator);
        (!stacked && self.weights.last <= MAX_REPETITIONS).then_some(())
    }

    /// Reads braces of the form `{n}`, `{n,}` or `{n,m}`. Returns the text of the braces, and the number of repetitions. The number
    /// is `None` if Go refuses the number. If the text has none of these forms, the whole result is `None`, and the `{` stands for
    /// itself.
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

/// Whether the text is a number without leading zeros, as Go wants it in braces.
fn is_count(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}
