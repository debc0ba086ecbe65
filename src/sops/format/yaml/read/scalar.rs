//! Reads YAML scalars without quotes (plain scalars) and in quotes.

use super::{
    cursor::Mark,
    gather::{Fold, Gather},
    scanner::{Scanner, problem},
    token::Token,
};
use crate::sops::format::problem::ParseError;

/// Whether `byte` is a part of a scalar in every place, whatever stands around it.
fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=._-".contains(&byte)
}

impl<'a> Scanner<'a> {
    /// Reads a plain scalar, which has no quotes. The scalar continues on further lines as long as these lines are indented
    /// deeper than the current block.
    pub(crate) fn scan_plain(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.cursor.mark;
        let depth = self.indent.map_or(0, |indent| indent + 1);
        let (mut text, mut fold) = (Gather::default(), Fold::default());
        let mut blanks = start.offset;
        while !self.cursor.is_document_mark() && self.cursor.at(0) != b'#' {
            let word = self.cursor.mark.offset;
            self.skip_plain_word();
            if self.cursor.mark.offset > word {
                if fold.broken {
                    fold.finish(&mut text);
                } else {
                    text.append(self, blanks, word);
                }
                text.append(self, word, self.cursor.mark.offset);
            }
            if !self.cursor.is_blank(0) && !self.cursor.is_break(0) {
                break;
            }
            blanks = self.cursor.mark.offset;
            self.skip_space(&mut fold, depth, start)?;
            if !self.in_flow() && self.cursor.mark.column < depth {
                break;
            }
        }
        if fold.broken {
            self.key_allowed = true;
        }
        Ok(Token::Scalar {
            text: text.text,
            plain: true,
        })
    }

    /// Skips characters of a plain scalar up to a blank, a line break, or the end of the scalar.
    fn skip_plain_word(&mut self) {
        let flow = self.in_flow();
        loop {
            self.cursor.skip_run(is_harmless);
            let ends = match self.cursor.at(0) {
                b':' => self.cursor.is_word_end(1),
                b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
                _ => self.cursor.is_word_end(0),
            };
            if ends {
                return;
            }
            self.cursor.skip();
        }
    }

    /// Skips blanks and line breaks, and notes the line breaks in `fold`. After a line break, a tab left of the column `depth`
    /// is an error.
    fn skip_space(&mut self, fold: &mut Fold, depth: usize, start: Mark) -> Result<(), ParseError> {
        loop {
            if self.cursor.is_blank(0) {
                let indents = fold.broken && self.cursor.mark.column < depth;
                if indents && self.cursor.at(0) == b'\t' {
                    return Err(problem(start, "a tab indents a line of a scalar"));
                }
                self.cursor.skip();
            } else if self.cursor.is_break(0) {
                fold.push(self.cursor.skip_break());
            } else {
                return Ok(());
            }
        }
    }

    /// Reads a scalar in single or double quotes.
    pub(crate) fn scan_quoted(&mut self, quote: u8) -> Result<Token<'a>, ParseError> {
        let start = self.cursor.mark;
        let (mut text, mut fold) = (Gather::default(), Fold::default());
        self.cursor.skip();
        loop {
            if self.cursor.is_document_mark() {
                return Err(problem(start, "a document ends inside quotes"));
            }
            if self.cursor.at(0) == 0 {
                return Err(problem(start, "quotes are not closed"));
            }
            self.scan_quoted_word(quote, start, &mut text, &mut fold)?;
            if self.cursor.at(0) == quote {
                self.cursor.skip();
                return Ok(Token::Scalar {
                    text: text.text,
                    plain: false,
                });
            }
            let blanks = self.cursor.mark.offset;
            self.skip_space(&mut fold, 0, start)?;
            if fold.broken {
                fold.finish(&mut text);
            } else {
                text.append(self, blanks, self.cursor.mark.offset);
            }
        }
    }

    /// Appends the text in quotes up to a blank, a line break or the closing quote.
    fn scan_quoted_word(&mut self, quote: u8, start: Mark, text: &mut Gather<'a>, fold: &mut Fold) -> Result<(), ParseError> {
        loop {
            let from = self.cursor.mark.offset;
            self.cursor.skip_run(is_harmless);
            self.cursor.skip_while(|cursor| match cursor.at(0) {
                b'\\' => quote == b'\'',
                byte => byte != quote && !cursor.is_word_end(0),
            });
            text.append(self, from, self.cursor.mark.offset);
            match self.cursor.at(0) {
                b'\'' if quote == b'\'' && self.cursor.at(1) == quote => {
                    self.cursor.skip_many(2);
                    text.write("'");
                }
                b'\\' if self.cursor.is_break(1) => {
                    self.cursor.skip();
                    self.cursor.skip_break();
                    fold.push("");
                    return Ok(());
                }
                b'\\' => self.scan_escape(start, text)?,
                _ => return Ok(()),
            }
        }
    }

    /// Appends the character that an escape sequence stands for.
    fn scan_escape(&mut self, start: Mark, text: &mut Gather<'a>) -> Result<(), ParseError> {
        let meaning = match self.cursor.at(1) {
            b'0' => "\0",
            b'a' => "\x07",
            b'b' => "\x08",
            b't' | b'\t' => "\t",
            b'n' => "\n",
            b'v' => "\x0B",
            b'f' => "\x0C",
            b'r' => "\r",
            b'e' => "\x1B",
            b' ' => " ",
            b'"' => "\"",
            b'\'' => "'",
            b'\\' => "\\",
            b'N' => "\u{85}",
            b'_' => "\u{A0}",
            b'L' => "\u{2028}",
            b'P' => "\u{2029}",
            b'x' => return self.scan_code(2, start, text),
            b'u' => return self.scan_code(4, start, text),
            b'U' => return self.scan_code(8, start, text),
            _ => return Err(problem(start, "unknown escape character in quotes")),
        };
        self.cursor.skip_many(2);
        text.write(meaning);
        Ok(())
    }

    /// Appends the character that an escape with `length` hexadecimal digits stands for.
    fn scan_code(&mut self, length: usize, start: Mark, text: &mut Gather<'a>) -> Result<(), ParseError> {
        self.cursor.skip_many(2);
        let from = self.cursor.mark.offset;
        let digits = self.cursor.slice(from, from + length);
        if digits.len() != length || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(problem(start, "an escape in quotes wants hexadecimal digits"));
        }
        let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
        let Some(character) = char::from_u32(code) else {
            return Err(problem(start, "an escape in quotes is no Unicode character"));
        };
        self.cursor.skip_many(length);
        text.write(character.encode_utf8(&mut [0; 4]));
        Ok(())
    }
}
