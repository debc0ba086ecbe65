//! Writes YAML scalars in their styles: without quotes, in quotes, or as a block.

use super::{
    spell::{Scalar, Style, is_no_letter},
    write::{ENTRY, YamlWriter},
};
use crate::{
    sops::format::yaml::character::{is_break, is_printable},
    text::blocks,
};

impl YamlWriter {
    /// Writes a scalar, and drops its text, unless the text is only measured. If the scalar becomes a block, `comment` is written
    /// behind the mark of the block. Otherwise `comment` is returned, to be written later.
    pub(crate) fn scalar<'n>(&mut self, scalar: &Scalar<'_>, in_list: bool, comment: &'n [&'n [u8]]) -> &'n [&'n [u8]] {
        if !scalar.tag.is_empty() {
            self.indicator(scalar.tag, true, false);
        }
        let outer = self.indent;
        self.deepen_in_braces(in_list);
        let mut rest = comment;
        let taken = scalar.text.take();
        let text = taken.as_str();
        match scalar.style {
            Style::Literal if comment.len() <= 1 => {
                self.literal(text, outer.unwrap_or(0), comment);
                rest = &[];
            }
            Style::Plain => self.indicator(text, true, false),
            Style::Single => self.single_quoted(text),
            // A block has room for one comment behind its mark. A second comment would be read as a line of the block. So a text
            // with several comments is written in double quotes instead.
            Style::Double | Style::Literal => self.double_quoted(text),
        }
        if self.only_measures() {
            scalar.text.set(taken);
        }
        self.restore(outer);
        rest
    }

    /// Writes a text in single quotes (`'`).
    fn single_quoted(&mut self, text: &str) {
        self.indicator("'", true, false);
        self.put_lines(text, false, true);
        self.indicator("'", false, false);
    }

    /// Writes a text in double quotes (`"`).
    fn double_quoted(&mut self, text: &str) {
        self.indicator("\"", true, false);
        // As in sops, all characters of a text are escaped if the text begins with a byte order mark (U+FEFF).
        let all = text.starts_with('\u{FEFF}');
        let may_need_escape = |byte| is_no_letter(byte) | blocks::is_any(byte, *b"\"\\");
        let needs_escape = |character| !is_printable(character) || is_break(character) || matches!(character, '"' | '\\');
        let (escaped, mut rest) = if all { (text, "") } else { ("", text) };
        escaped.chars().for_each(|character| self.escape(character));
        while let Some((plain, character, tail)) = blocks::split(rest, may_need_escape, needs_escape) {
            self.put_all(plain);
            self.escape(character);
            rest = tail;
        }
        self.put_all(rest);
        self.indicator("\"", false, false);
    }

    /// Writes a character as an escape.
    fn escape(&mut self, character: char) {
        self.put('\\');
        match character {
            '\0' => self.put('0'),
            '\x07' => self.put('a'),
            '\x08' => self.put('b'),
            '\t' => self.put('t'),
            '\n' => self.put('n'),
            '\x0B' => self.put('v'),
            '\x0C' => self.put('f'),
            '\r' => self.put('r'),
            '\x1B' => self.put('e'),
            '"' | '\\' => self.put(character),
            '\u{85}' => self.put('N'),
            '\u{A0}' => self.put('_'),
            '\u{2028}' => self.put('L'),
            '\u{2029}' => self.put('P'),
            _ => self.escape_code(u32::from(character)),
        }
    }

    /// Writes the rest of an escape that gives the code of a character in hexadecimal.
    fn escape_code(&mut self, code: u32) {
        let (mark, digits) = match code {
            0..=0xFF => ('x', 2),
            0x100..=0xFFFF => ('u', 4),
            _ => ('U', 8),
        };
        self.put(mark);
        for place in (0..digits).rev() {
            let digit = char::from_digit(code >> (4 * place) & 0xF, 16);
            self.put(digit.unwrap_or_default().to_ascii_uppercase());
        }
    }

    /// Writes a text as a block. `outer` is the indentation of the collection that the block stands in.
    fn literal(&mut self, text: &str, outer: usize, comment: &[&[u8]]) {
        self.indicator("|", true, false);
        if text.starts_with([' ', '\t']) || text.starts_with(is_break) {
            let depth = self.indent.unwrap_or(0).saturating_sub(outer);
            // The digit in the header is the indentation of the block. sops always prints 4. In a list the indentation is 2, so
            // the digit here is 2. In a text of only line breaks the digit has no effect, so it is 4 as in sops.
            let matters = depth == ENTRY && !text.chars().all(is_break);
            self.indicator(if matters { "2" } else { "4" }, false, false);
        }
        self.indicator(chomping(text), false, false);
        if comment.is_empty() {
            self.put_break('\n');
        }
        self.comment_behind(comment);
        self.blank = true;
        self.put_lines(text, true, false);
    }
}

/// The chomping indicator of a block, which tells how many line breaks end the text. `-` stands for none, an empty indicator
/// for one, and `+` for several. A text that is only a line break also gets `+`.
fn chomping(text: &str) -> &'static str {
    let mut last = text.chars().rev();
    match (last.next().is_some_and(is_break), last.next()) {
        (false, _) => "-",
        (true, None) => "+",
        (true, Some(character)) if is_break(character) => "+",
        (true, Some(_)) => "",
    }
}
