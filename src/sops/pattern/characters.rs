//! The parts of a pattern that stand for one character: escapes and brackets.

use std::fmt::Write as _;

use regex_automata::util::syntax;

use super::{literal::push_literal, translator::Translator};

/// The names of ASCII classes such as `[:alpha:]`, which Go and the `regex` crate share.
const ASCII_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit",
];

/// The letters that stand for a class behind a backslash: of ASCII, or (the last two, with a name behind them) of Unicode.
const CLASS_LETTERS: [char; 8] = ['d', 'D', 's', 'S', 'w', 'W', 'p', 'P'];

impl Translator<'_> {
    /// Translates an escape outside of brackets, behind its backslash.
    pub(crate) fn escape(&mut self) -> Option<()> {
        if self.eat("Q") {
            let whole = self.rest;
            let quoted = self.until("\\E").unwrap_or_else(|| {
                self.rest = "";
                whole
            });
            quoted.chars().for_each(|character| self.literal(character));
        } else if let Some(boundary) = self.boundary() {
            self.part(boundary);
        } else if self.rest.starts_with(CLASS_LETTERS) {
            let class = self.class()?;
            self.part(&class);
        } else {
            let character = self.escaped()?;
            self.literal(character);
        }
        Some(())
    }

    /// Translates an assertion about an end of the text or a boundary of words. As in Go, words are those of ASCII. With such
    /// words, the crate may also find a boundary between the bytes of one character, which is none in Go; `nfa` keeps matches
    /// from such places.
    fn boundary(&mut self) -> Option<&'static str> {
        let spellings = [("A", r"\A"), ("z", r"\z"), ("b", r"(?-u:\b)"), ("B", r"(?-u:\B)")];
        spellings
            .into_iter()
            .find_map(|(letter, spelling)| self.eat(letter).then_some(spelling))
    }

    /// The class that a letter of [`CLASS_LETTERS`] behind a backslash begins.
    fn class(&mut self) -> Option<String> {
        let class = match self.next()? {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0C\r\x20]",
            'S' => r"[^\t\n\x0C\r\x20]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            letter => return self.unicode_class(letter == 'P'),
        };
        Some(class.to_owned())
    }

    /// A class of Unicode by its name, which stands in braces or is a single letter.
    fn unicode_class(&mut self, negative: bool) -> Option<String> {
        let first = self.next()?;
        let name = if first == '{' {
            self.until("}")?.to_owned()
        } else {
            first.to_string()
        };
        let (negative, name) = name.strip_prefix('^').map_or((negative, &*name), |name| (!negative, name));
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
        let letter = if negative { 'P' } else { 'p' };
        // Go knows categories and scripts, and none of the other properties that the crate may have.
        let mut classes = ["gc", "sc"]
            .into_iter()
            .map(|property| format!("\\{letter}{{{property}={name}}}"));
        classes.find(|class| plain && syntax::parse(class).is_ok())
    }

    /// The single character that the text behind a backslash stands for.
    fn escaped(&mut self) -> Option<char> {
        match self.next()? {
            first @ '0'..='7' => self.octal(first),
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            other => (other.is_ascii() && !other.is_ascii_alphanumeric()).then_some(other),
        }
    }

    /// The character for up to three octal digits. A single digit other than 0 is refused: elsewhere it refers to a group, and Go
    /// has no such references.
    fn octal(&mut self, first: char) -> Option<char> {
        let mut code = first.to_digit(8)?;
        let mut length = 1;
        while let Some(digit) = self
            .rest
            .chars()
            .next()
            .and_then(|digit| digit.to_digit(8))
            .filter(|_| length < 3)
        {
            self.next();
            code = code.checked_mul(8)?.checked_add(digit)?;
            length += 1;
        }
        (first == '0' || length > 1).then_some(char::from_u32(code)?)
    }

    /// The character for two hexadecimal digits, or for any number of them in braces.
    fn hexadecimal(&mut self) -> Option<char> {
        let digits = if self.eat("{") {
            self.until("}")?
        } else {
            let (digits, rest) = self.rest.split_at_checked(2)?;
            self.rest = rest;
            digits
        };
        let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        valid.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32))?
    }

    /// Translates a bracket expression. Inside of it, brackets and operators stand for themselves, except `[:` and the closing
    /// bracket.
    pub(crate) fn bracket(&mut self) -> Option<()> {
        self.part("[");
        if self.eat("^") {
            self.out.push('^');
        }
        self.member()?;
        // The first member was read without looking for the end: there, a `]` stands for itself.
        while !self.eat("]") {
            self.member()?;
        }
        self.out.push(']');
        Some(())
    }

    /// Translates a member of a bracket expression: a class, a character or a range.
    fn member(&mut self) -> Option<()> {
        if let Some(inside) = self.rest.strip_prefix("[:")
            && let Some((name, rest)) = inside.split_once(":]")
        {
            let known = ASCII_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name));
            self.rest = rest;
            let _ = write!(self.out, "[:{name}:]");
            return known.then_some(());
        }
        if let Some(rest) = self.rest.strip_prefix('\\')
            && rest.starts_with(CLASS_LETTERS)
        {
            self.rest = rest;
            let class = self.class()?;
            self.out.push_str(&class);
            return Some(());
        }
        let low = self.bracket_character()?;
        let is_range = self
            .rest
            .strip_prefix('-')
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(']'));
        push_literal(&mut self.out, low);
        if is_range {
            self.next();
            let high = self.bracket_character()?;
            self.out.push('-');
            push_literal(&mut self.out, high);
        }
        Some(())
    }

    fn bracket_character(&mut self) -> Option<char> {
        if self.eat("\\") { self.escaped() } else { self.next() }
    }
}
