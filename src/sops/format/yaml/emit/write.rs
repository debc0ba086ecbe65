//! Writes lines of YAML text: indentation, marks and comments.

use std::{iter, mem};

use crate::{
    sops::format::{
        output::Output,
        yaml::character::{is_break, is_forbidden, may_begin_break_or_quote},
    },
    text::blocks,
};

/// The indentation of one level in columns, except for a collection that is an entry of a list.
const STEP: usize = 4;
/// The indentation, in columns, of a collection that is an entry of a list. The mark `- ` has the same width.
pub(crate) const ENTRY: usize = 2;

/// The text written so far, and the state that decides how the next part is written.
pub(crate) struct YamlWriter {
    out: Output,
    /// The number of characters on the current line of YAML text.
    column: usize,
    /// Whether the last character of the YAML text counts as a blank. If so, the next part needs no blank before it.
    pub(crate) blank: bool,
    /// Whether the current line of YAML text has only indentation so far. The mark `-` of an entry counts as indentation. So do
    /// the marks `?` and `:` of a key that has a `?`.
    only_indent: bool,
    /// The current indentation of the YAML text in columns; `None` outside of the root node.
    pub(crate) indent: Option<usize>,
    /// The indentation, in columns, at the place where a comment below a node, or a document, has just ended. If the next line has
    /// the same indentation, a blank line is written before that line. `None` at any other place.
    foot: Option<usize>,
}

impl YamlWriter {
    /// A writer of YAML lines, at the beginning of `out`.
    pub(crate) fn new(out: Output) -> Self {
        Self {
            out,
            column: 0,
            blank: true,
            only_indent: true,
            indent: None,
            foot: None,
        }
    }

    /// The output with all the text that was written.
    pub(crate) fn finish(self) -> Output {
        self.out
    }

    /// Whether the text is only measured, and will be printed once more.
    pub(crate) fn only_measures(&self) -> bool {
        self.out.only_measures()
    }

    /// Whether the text has exceeded its limit. Then all further text is left out.
    pub(crate) fn is_full(&self) -> bool {
        self.out.is_full()
    }

    /// Writes a character that is not a line break.
    pub(crate) fn put(&mut self, character: char) {
        self.out.push(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.column += 1;
    }

    /// Writes a text that has no line break.
    pub(crate) fn put_all(&mut self, text: &str) {
        self.out.push(text.as_bytes());
        self.column += text.chars().count();
    }

    /// Ends the current line with the given line break.
    pub(crate) fn put_break(&mut self, line_break: char) {
        self.put(line_break);
        self.column = 0;
        self.only_indent = true;
    }

    /// Writes a text that may have several lines. Each line after the first is indented, unless it is empty. The first line is
    /// indented if `starts_line` is true. If `doubles_quotes` is true, each single quote is written twice.
    pub(crate) fn put_lines(&mut self, text: &str, mut starts_line: bool, doubles_quotes: bool) {
        let is_doubled = |character| doubles_quotes && character == '\'';
        let is_it = |character| is_break(character) || is_doubled(character);
        let mut rest = text;
        while let Some((plain, character, tail)) = blocks::split(rest, may_begin_break_or_quote, is_it) {
            rest = tail;
            self.put_in_line(plain, &mut starts_line);
            if is_doubled(character) {
                self.put_in_line("''", &mut starts_line);
                continue;
            }
            if self.is_full() {
                return;
            }
            self.put_break(character);
            starts_line = true;
        }
        self.put_in_line(rest, &mut starts_line);
    }

    /// Writes a part of a line. The part is indented if `starts_line` is true.
    fn put_in_line(&mut self, text: &str, starts_line: &mut bool) {
        if text.is_empty() {
            return;
        }
        if mem::take(starts_line) {
            self.indent();
        }
        self.put_all(text);
        self.only_indent = false;
    }

    /// Writes a blank, unless the last character already counts as a blank.
    fn separate(&mut self) {
        if !self.blank {
            self.put(' ');
        }
    }

    /// Moves to the column of the current indentation. If the current line already has text, a new line is begun.
    pub(crate) fn indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        let passed = self.column > indent || self.column == indent && !self.blank;
        if !self.only_indent || passed {
            self.put_break('\n');
        }
        if self.foot == Some(indent) {
            self.put_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.blank = true;
        self.foot = None;
    }

    /// Writes a mark of the YAML grammar. If `separate` is true, a blank is written before the mark. If `as_indent` is true, the
    /// mark counts as indentation.
    pub(crate) fn indicator(&mut self, mark: &str, separate: bool, as_indent: bool) {
        if separate {
            self.separate();
        }
        self.put_all(mark);
        self.blank = false;
        self.only_indent &= as_indent;
    }

    /// Writes the opening bracket of an empty collection. If a comment has just ended the line, the bracket is indented on the
    /// next line.
    pub(crate) fn open_bracket(&mut self, mark: &str, in_list: bool) {
        if self.column == 0 && self.indent.is_some() {
            let outer = self.deepen(in_list);
            self.indent();
            self.restore(outer);
        }
        self.indicator(mark, true, false);
        self.blank = true;
    }

    /// Writes the closing bracket of an empty list.
    pub(crate) fn close_list(&mut self) {
        if self.column == 0 {
            self.indent();
        }
        self.indicator("]", false, false);
    }

    /// Sets the indentation for the contents of a collection. Returns the previous indentation.
    pub(crate) fn deepen(&mut self, in_list: bool) -> Option<usize> {
        let next = self.indent.map_or(0, |indent| deeper(indent, in_list));
        self.indent.replace(next)
    }

    /// Like [`YamlWriter::deepen`], but with an indentation even at the root. Maps in braces and scalars need this indentation.
    pub(crate) fn deepen_in_braces(&mut self, in_list: bool) -> Option<usize> {
        let next = self.indent.map_or(STEP, |indent| deeper(indent, in_list));
        self.indent.replace(next)
    }

    /// Sets the indentation back to `outer`, at the end of a collection.
    pub(crate) fn restore(&mut self, outer: Option<usize>) {
        self.indent = outer;
    }

    /// Notes that a comment below a node ends here. Text that follows at the same indentation gets a blank line before it.
    pub(crate) fn begin_foot(&mut self) {
        self.foot = Some(self.indent.unwrap_or(0));
    }

    /// Notes the end of a document. A comment that follows gets a blank line before it.
    pub(crate) fn end_document(&mut self) {
        self.foot = Some(0);
    }

    /// Notes that the text that follows needs no blank line before it.
    pub(crate) fn end_foot(&mut self) {
        self.foot = None;
    }

    /// Writes comments on lines of their own.
    pub(crate) fn comment_lines(&mut self, texts: &[&[u8]]) {
        if !texts.is_empty() {
            self.indent();
            self.comment(texts);
        }
    }

    /// Writes comments behind other text. The first comment goes on the current line.
    pub(crate) fn comment_behind(&mut self, texts: &[&[u8]]) {
        if !texts.is_empty() {
            self.separate();
            self.comment(texts);
        }
    }

    /// Writes comments. The first comment begins at the current column, and each further comment on a new line.
    fn comment(&mut self, texts: &[&[u8]]) {
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                self.indent();
            }
            self.put('#');
            self.comment_text(text);
            if self.column > 0 {
                self.put_break('\n');
            }
        }
        self.blank = true;
    }

    /// Writes the text of one comment. Further lines of the text also get a `#`, unless they begin with one.
    fn comment_text(&mut self, text: &[u8]) {
        for character in characters(text) {
            if is_break(character) {
                if self.is_full() {
                    return;
                }
                self.put_break(character);
                continue;
            }
            if self.column == 0 {
                self.indent();
                self.put_all(if character == '#' { "" } else { "# " });
            }
            self.put(character);
            self.only_indent = false;
        }
    }
}

/// The indentation inside a collection, in columns. `in_list` says whether the collection is an entry of a list.
fn deeper(indent: usize, in_list: bool) -> usize {
    if in_list { indent + ENTRY } else { (indent / STEP + 1) * STEP }
}

/// The characters of a comment. Characters that YAML forbids, and invalid UTF-8, are replaced by U+FFFD.
fn characters(text: &[u8]) -> impl Iterator<Item = char> {
    const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
    let chunks = text.utf8_chunks();
    let all = chunks.flat_map(|chunk| {
        let broken = !chunk.invalid().is_empty();
        (chunk.valid().chars()).chain(iter::repeat_n(REPLACEMENT, usize::from(broken)))
    });
    all.map(|character| if is_forbidden(character) { REPLACEMENT } else { character })
}
