//! Reads YAML scalars that are indented blocks, with the mark `|` or `>`.

use std::mem;

use super::{
    cursor::Mark,
    gather::Gather,
    scanner::{Scanner, problem},
    token::Token,
};
use crate::sops::format::problem::ParseError;

/// How the line breaks at the end of a block scalar are treated. A mark in the header of the scalar decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    /// With the mark `-`: all line breaks at the end are dropped.
    Strip,
    /// Without a mark: one line break at the end is kept.
    Clip,
    /// With the mark `+`: all line breaks at the end are kept.
    Keep,
}

impl<'a> Scanner<'a> {
    /// Reads a block scalar: a literal block (`|`), or a folded block (`>`), in which single line breaks become spaces.
    pub(crate) fn scan_block(&mut self, literal: bool) -> Result<Token<'a>, ParseError> {
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
            let from = self.cursor.skip_line();
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

    /// Reads the header of a block scalar. Returns the treatment of the line breaks at the end, and the indentation relative to the
    /// block around. The header may have a mark for the treatment and a mark for the indentation, in either order. A comment may
    /// follow.
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

    /// Skips blank lines of a block scalar, and the indentation of the line after them. Returns the indentation of the scalar. If
    /// `indent` is `None`, the deepest of these lines decides. The result is then at least one column deeper than the block
    /// around the scalar.
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
