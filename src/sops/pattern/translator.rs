//! Reads a pattern by Go's grammar, and writes it so that the `regex` crate cannot read it in another way.

use std::fmt::Write as _;

use super::literal::push_literal;

/// The greatest number of repetitions that Go allows for a part, with those of the groups around it multiplied in.
const MAX_REPETITIONS: usize = 1000;

/// Translates a pattern for the `regex` crate. `None` if Go refuses the pattern and the crate would not; a pattern that both
/// refuse may be left for the crate to refuse.
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

/// How often the parts of a group are repeated at most, repetitions inside of them multiplied in.
#[derive(Clone, Copy, Default)]
struct Weights {
    /// The number for the part read last, to which a following repetition applies.
    last: usize,
    /// The greatest number among the parts before it.
    earlier: usize,
}

impl Weights {
    fn push(&mut self, weight: usize) {
        self.earlier = self.earlier.max(self.last);
        self.last = weight;
    }
}

#[derive(Default)]
pub(crate) struct Translator<'a> {
    pub(crate) rest: &'a str,
    pub(crate) out: String,
    /// Flags that are written just before the next part: in Go, a repetition behind the flags still belongs to the part before
    /// them.
    flags: String,
    /// The numbers of the group that is being read.
    weights: Weights,
    /// The numbers of the groups around it, outermost first.
    outer: Vec<Weights>,
    /// Whether the part read last already has a repetition. Go allows only one.
    repeated: bool,
}

impl<'a> Translator<'a> {
    pub(crate) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    pub(crate) fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes the text before `end`, and skips `end`. `None` if there is no `end`.
    pub(crate) fn until(&mut self, end: &str) -> Option<&'a str> {
        let (text, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(text)
    }

    pub(crate) fn begin(&mut self, weight: usize) {
        self.weights.push(weight);
        self.repeated = false;
        self.out.push_str(&std::mem::take(&mut self.flags));
    }

    /// Writes a part that can be repeated.
    pub(crate) fn part(&mut self, text: &str) {
        self.begin(1);
        self.out.push_str(text);
    }

    pub(crate) fn literal(&mut self, character: char) {
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

    /// Translates an opening parenthesis, with the name or the flags behind it.
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

    /// Reads flags up to `:` or `)`, and says whether it was `:`. The flag `U`, which swaps greedy and lazy, does not decide
    /// whether there is a match, and is dropped.
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

    /// Repeats the last part, at most `count` times; `*`, `+` and `?` count as 1.
    fn repeat(&mut self, operator: &str, count: usize) -> Option<()> {
        self.eat("?");
        let stacked = std::mem::replace(&mut self.repeated, true);
        self.weights.last = self.weights.last.checked_mul(count)?;
        self.out.push_str(operator);
        (!stacked && self.weights.last <= MAX_REPETITIONS).then_some(())
    }

    /// Reads the braces `{n}`, `{n,}` or `{n,m}`. Returns their text and how often they repeat, which is `None` if Go refuses the
    /// numbers. Returns `None` as a whole if the text is none of these forms; then the `{` stands for itself.
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

/// Whether the text is a number as Go wants it in braces: without leading zeros.
fn is_count(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}
