//! Translates the parts of a pattern that stand for one character: escapes and brackets.

use std::fmt::Write as _;

use regex_automata::util::syntax;

use super::{literal::push_literal, translator::Translator};

/// The names of ASCII classes such as `[:alpha:]`. Go and the `regex` crate have the same names.
const ASCII_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit",
];

/// The letters that stand for a class of characters if a backslash is before them. `p` and `P` stand for a Unicode class, whose
/// name follows. All other letters stand for an ASCII class.
const CLASS_LETTERS: [char; 8] = ['d', 'D', 's', 'S', 'w', 'W', 'p', 'P'];

impl Translator<'_> {
    /// Translates an escape outside of brackets. The backslash has already been read.
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

    /// Translates an assertion: an end of the text, or a boundary of a word. As in Go, words consist of ASCII characters. With
    /// such words, the `regex` crate may also find a boundary between the bytes of one character, where Go finds none. The
    /// function `nfa` prevents matches that start at such places.
    fn boundary(&mut self) -> Option<&'static str> {
        let spellings = [("A", r"\A"), ("z", r"\z"), ("b", r"(?-u:\b)"), ("B", r"(?-u:\B)")];
        spellings
            .into_iter()
            .find_map(|(letter, spelling)| self.eat(letter).then_some(spelling))
    }

    /// Reads a letter of [`CLASS_LETTERS`] behind a backslash. Returns the class that the letter begins, as the `regex` crate
    /// spells the class.
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

    /// Reads the name of a Unicode class, which stands in braces or is a single letter. Returns the class as the `regex` crate
    /// spells it.
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
        // Go knows general categories (`gc`) and scripts (`sc`). Go knows none of the other Unicode properties that the `regex`
        // crate may have.
        let mut classes = ["gc", "sc"]
            .into_iter()
            .map(|property| format!("\\{letter}{{{property}={name}}}"));
        classes.find(|class| plain && syntax::parse(class).is_ok())
    }

    /// Reads the rest of an escape. Returns the single character that the escape stands for.
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

    /// Reads up to three octal digits, of which `first` is already read. Returns the character with this code. A single digit
    /// other than 0 is refused. In other dialects, such a digit refers to a group, and Go has no such references.
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

    /// Reads two hexadecimal digits, or any number of them in braces. Returns the character with this code.
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

    /// Translates a bracket expression, such as `[^a-z]`. In a bracket expression, operators such as `*` stand for themselves. A
    /// `[` stands for itself too, unless it begins an ASCII class such as `[:alpha:]`.
    pub(crate) fn bracket(&mut self) -> Option<()> {
        self.part("[");
        if self.eat("^") {
            self.out.push('^');
        }
        self.member()?;
        // The first member was read without a look for the closing bracket, because a `]` in the first place stands for itself.
        while !self.eat("]") {
            self.member()?;
        }
        self.out.push(']');
        Some(())
    }

    /// Translates one member of a bracket expression: a class, a character or a range.
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

    /// Reads one character of a bracket expression, which may be an escape.
    fn bracket_character(&mut self) -> Option<char> {
        if self.eat("\\") { self.escaped() } else { self.next() }
    }
}
