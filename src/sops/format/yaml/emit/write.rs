//! Writes lines: indentation, marks and comments.

use std::{iter, mem};

use crate::sops::format::{
    output::Output,
    yaml::character::{is_break, is_forbidden},
};

/// How many columns a level takes, except in a list.
const STEP: usize = 4;
/// How many columns an entry of a list takes.
pub(crate) const ENTRY: usize = 2;

/// The text so far, and the state that decides how the next part is written.
pub(crate) struct YamlWriter {
    out: Output,
    /// How many characters the current line has.
    column: usize,
    /// Whether the last character counts as a blank.
    pub(crate) blank: bool,
    /// Whether the current line has only indentation so far. The marks of entries and keys (`-`, `?`, `:`) count as indentation.
    only_indent: bool,
    /// The current indentation; none outside of a root.
    pub(crate) indent: Option<usize>,
    /// The indentation of a comment below a node, if nothing followed it yet. Text at this indentation needs a blank line before
    /// it.
    foot: Option<usize>,
}

impl YamlWriter {
    /// At the beginning of `out`.
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

    /// All that was written.
    pub(crate) fn finish(self) -> Output {
        self.out
    }

    /// Whether the text exceeds its limit. Then all further text is left out.
    pub(crate) fn is_full(&self) -> bool {
        self.out.is_full()
    }

    /// Writes a character that is not a line break.
    pub(crate) fn put(&mut self, character: char) {
        self.out.push(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.column += 1;
    }

    pub(crate) fn put_all(&mut self, text: &str) {
        text.chars().for_each(|character| self.put(character));
    }

    /// Ends a line.
    pub(crate) fn put_break(&mut self, line_break: char) {
        self.put(line_break);
        self.column = 0;
        self.only_indent = true;
    }

    /// Writes text line by line. Every line is indented, the first only if `starts_line`. The character `doubled` is written
    /// twice.
    pub(crate) fn put_lines(&mut self, text: &str, mut starts_line: bool, doubled: Option<char>) {
        for character in text.chars() {
            if is_break(character) {
                if self.is_full() {
                    return;
                }
                self.put_break(character);
                starts_line = true;
                continue;
            }
            if mem::take(&mut starts_line) {
                self.indent();
            }
            if doubled == Some(character) {
                self.put(character);
            }
            self.put(character);
            self.only_indent = false;
        }
    }

    /// Writes a blank, unless the last character counts as one.
    fn separate(&mut self) {
        if !self.blank {
            self.put(' ');
        }
    }

    /// Moves to the column of the current indentation, on a new line if the current line has text.
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

    /// Writes a mark. `separate`: with a blank before it. `as_indent`: the mark counts as indentation.
    pub(crate) fn indicator(&mut self, mark: &str, separate: bool, as_indent: bool) {
        if separate {
            self.separate();
        }
        self.put_all(mark);
        self.blank = false;
        self.only_indent &= as_indent;
    }

    /// Writes the mark that opens an empty collection. After a comment, on a new line, the mark is indented.
    pub(crate) fn open_bracket(&mut self, mark: &str, in_list: bool) {
        if self.column == 0 && self.indent.is_some() {
            let outer = self.deepen(in_list);
            self.indent();
            self.restore(outer);
        }
        self.indicator(mark, true, false);
        self.blank = true;
    }

    /// Closes a list without content.
    pub(crate) fn close_list(&mut self) {
        if self.column == 0 {
            self.indent();
        }
        self.indicator("]", false, false);
    }

    /// Enters a collection; returns the indentation around it.
    pub(crate) fn deepen(&mut self, in_list: bool) -> Option<usize> {
        let next = self.indent.map_or(0, |indent| deeper(indent, in_list));
        self.indent.replace(next)
    }

    /// Like [`YamlWriter::deepen`], for a map in braces, which is indented even at the root.
    pub(crate) fn deepen_in_braces(&mut self, in_list: bool) -> Option<usize> {
        let next = self.indent.map_or(STEP, |indent| deeper(indent, in_list));
        self.indent.replace(next)
    }

    /// Leaves a collection.
    pub(crate) fn restore(&mut self, outer: Option<usize>) {
        self.indent = outer;
    }

    /// Notes that a comment below a node has ended here.
    pub(crate) fn begin_foot(&mut self) {
        self.foot = Some(self.indent.unwrap_or(0));
    }

    /// Notes the end of a document: a comment that follows is set off by a blank line.
    pub(crate) fn end_document(&mut self) {
        self.foot = Some(0);
    }

    /// Notes that what comes next is not set off by a blank line.
    pub(crate) fn end_foot(&mut self) {
        self.foot = None;
    }

    /// Comments on lines of their own.
    pub(crate) fn comment_lines(&mut self, texts: &[&[u8]]) {
        if !texts.is_empty() {
            self.indent();
            self.comment(texts);
        }
    }

    /// Comments behind something, the first on its line.
    pub(crate) fn comment_behind(&mut self, texts: &[&[u8]]) {
        if !texts.is_empty() {
            self.separate();
            self.comment(texts);
        }
    }

    /// Writes comments from here on, each on its own line. A comment with a line break goes on as another comment.
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

/// The indentation inside a collection.
fn deeper(indent: usize, in_list: bool) -> usize {
    if in_list { indent + ENTRY } else { (indent / STEP + 1) * STEP }
}

/// The characters of a comment. Forbidden characters and invalid UTF-8 are replaced by U+FFFD.
fn characters(text: &[u8]) -> impl Iterator<Item = char> {
    const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
    let chunks = text.utf8_chunks();
    let all = chunks.flat_map(|chunk| {
        let broken = !chunk.invalid().is_empty();
        (chunk.valid().chars()).chain(iter::repeat_n(REPLACEMENT, usize::from(broken)))
    });
    all.map(|character| if is_forbidden(character) { REPLACEMENT } else { character })
}
