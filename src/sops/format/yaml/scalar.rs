//! Scalars: plain, quoted, and as blocks.

use std::{borrow::Cow, mem};

use super::{
    cursor::Mark,
    scan::{Scanner, problem},
    token::Token,
};
use crate::sops::format::ParseError;

/// Text that is put together from pieces: borrowed as long as the pieces follow one another in the source.
#[derive(Default)]
struct Gather<'a> {
    text: Cow<'a, str>,
    /// The offset of the first piece.
    start: usize,
    /// The offset behind the last piece, while all is borrowed.
    end: usize,
}

/// Line breaks between two lines of a scalar, which are to be folded.
#[derive(Default)]
struct Fold {
    /// Whether there was one, or one that was escaped.
    broken: bool,
    /// The first break; empty if it was escaped.
    first: &'static str,
    /// The others.
    rest: String,
}

/// What the header of a block scalar says about the breaks at its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl<'a> Gather<'a> {
    /// Appends the source's text between two offsets.
    fn append(&mut self, scanner: &Scanner<'a>, from: usize, to: usize) {
        if from == to {
            return;
        }
        if self.text.is_empty() {
            (self.start, self.end) = (from, to);
            self.text = Cow::Borrowed(scanner.cursor.slice(from, to));
        } else if self.end == from && matches!(self.text, Cow::Borrowed(_)) {
            self.end = to;
            self.text = Cow::Borrowed(scanner.cursor.slice(self.start, to));
        } else {
            self.write(scanner.cursor.slice(from, to));
        }
    }

    /// Appends text that does not stand in the source.
    fn write(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.to_mut().push_str(text);
        }
    }
}

impl Fold {
    /// Notes a line break.
    fn push(&mut self, line_break: &'static str) {
        if self.broken {
            self.rest.push_str(line_break);
        } else {
            (self.broken, self.first) = (true, line_break);
        }
    }

    /// Appends what the breaks stand for: a lone LF for a space, one before others for nothing, all else for itself.
    fn finish(&mut self, text: &mut Gather<'_>) {
        let Self { first, rest, .. } = mem::take(self);
        match (first, rest.as_str()) {
            ("\n", "") => text.write(" "),
            ("\n", rest) => text.write(rest),
            (first, rest) => {
                text.write(first);
                text.write(rest);
            }
        }
    }
}

impl<'a> Scanner<'a> {
    /// A scalar without quotes. It goes on over line breaks as long as the lines are deeper than the block.
    pub(super) fn scan_plain(&mut self) -> Result<Token<'a>, ParseError> {
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

    /// Passes characters of a plain scalar up to a blank or to what ends it.
    fn skip_plain_word(&mut self) {
        let flow = self.in_flow();
        self.cursor.skip_while(|cursor| match cursor.at(0) {
            b':' => !cursor.is_word_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => !flow,
            _ => !cursor.is_word_end(0),
        });
    }

    /// Passes blanks and line breaks. After a break, a tab left of `depth` is an error.
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

    /// A scalar in quotes.
    pub(super) fn scan_quoted(&mut self, quote: u8) -> Result<Token<'a>, ParseError> {
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

    /// Appends what stands in quotes up to a blank, a break or the closing quote.
    fn scan_quoted_word(&mut self, quote: u8, start: Mark, text: &mut Gather<'a>, fold: &mut Fold) -> Result<(), ParseError> {
        loop {
            let from = self.cursor.skip_while(|cursor| match cursor.at(0) {
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

    /// Appends what an escape sequence stands for.
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

    /// A scalar as an indented block, literal or folded.
    pub(super) fn scan_block(&mut self, literal: bool) -> Result<Token<'a>, ParseError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let (chomp, increment) = self.scan_block_header(start)?;
        let indent = increment.map(|more| self.indent.unwrap_or(0) + more);
        let (mut text, mut breaks) = (Gather::default(), String::new());
        let indent = self.scan_block_breaks(indent, &mut breaks, start)?;
        let mut line_break = "";
        let mut after_blank = false;
        while self.cursor.mark.column == indent && self.cursor.at(0) != 0 {
            let blank = self.cursor.is_blank(0);
            let folds = !literal && !after_blank && !blank && line_break == "\n";
            match (folds, breaks.is_empty()) {
                (true, true) => text.write(" "),
                (true, false) => {}
                (false, _) => text.write(line_break),
            }
            text.write(&mem::take(&mut breaks));
            after_blank = blank;
            let from = self.cursor.skip_while(|cursor| !cursor.is_line_end(0));
            text.append(self, from, self.cursor.mark.offset);
            line_break = self.cursor.skip_break();
            self.scan_block_breaks(Some(indent), &mut breaks, start)?;
        }
        if chomp != Chomp::Strip {
            text.write(line_break);
        }
        if chomp == Chomp::Keep {
            text.write(&breaks);
        }
        Ok(Token::Scalar {
            text: text.text,
            plain: false,
        })
    }

    /// The rest of a block scalar's first line: how to end, how deep to be (in either order), and a comment.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomp, Option<usize>), ParseError> {
        let (mut chomp, mut increment) = (None, None);
        for _ in 0..2 {
            match self.cursor.at(0) {
                b'-' if chomp.is_none() => chomp = Some(Chomp::Strip),
                b'+' if chomp.is_none() => chomp = Some(Chomp::Keep),
                digit @ b'1'..=b'9' if increment.is_none() => {
                    increment = Some(usize::from(digit - b'0'));
                }
                _ => break,
            }
            self.cursor.skip();
        }
        self.cursor.skip_blanks();
        if self.cursor.at(0) == b'#' {
            self.scan_line_comment(start);
        }
        if !self.cursor.is_line_end(0) {
            return Err(problem(start, "unexpected text behind '|' or '>'"));
        }
        self.cursor.skip_break();
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    /// Passes blank lines of a block scalar and the indentation of the next. Without a given indentation, the deepest of these
    /// lines gives it. Returns it.
    fn scan_block_breaks(&mut self, indent: Option<usize>, breaks: &mut String, start: Mark) -> Result<usize, ParseError> {
        let mut deepest = 0;
        loop {
            let outside = |column| indent.is_none_or(|indent| column < indent);
            (self.cursor).skip_while(|cursor| cursor.at(0) == b' ' && outside(cursor.mark.column));
            deepest = deepest.max(self.cursor.mark.column);
            if self.cursor.at(0) == b'\t' && outside(self.cursor.mark.column) {
                return Err(problem(start, "a tab indents a line of a scalar"));
            }
            if !self.cursor.is_break(0) {
                break;
            }
            breaks.push_str(self.cursor.skip_break());
        }
        let least = self.indent.map_or(1, |indent| indent + 1);
        Ok(indent.unwrap_or(deepest.max(least)))
    }
}
