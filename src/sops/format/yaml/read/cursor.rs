//! A place in a YAML text, and the steps that move the place forward.

use crate::text::blocks;

/// A place in the text, as an offset and also as a line and a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The number of bytes before the place in the text.
    pub(crate) offset: usize,
    /// The number of line breaks before the place in the text.
    pub(crate) line: usize,
    /// The number of characters before the place, on the same line.
    pub(crate) column: usize,
}

/// The text of a file, and the place up to which the text has been read.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    /// The current place in the text.
    pub(crate) mark: Mark,
    /// The number of line breaks since the last character that is not blank.
    pub(crate) newlines: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`, which contains no NUL. NUL stands for the end of the text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            mark: Mark::default(),
            newlines: 0,
        }
    }

    /// The byte that is `ahead` bytes after the current place; NUL after the end of the text.
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        let offset = self.mark.offset.saturating_add(ahead);
        self.text.as_bytes().get(offset).copied().unwrap_or(0)
    }

    /// The text between two offsets, which are in bytes.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Whether the byte that is `ahead` bytes after the current place is a space or a tab.
    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// Whether a line break begins `ahead` bytes after the current place.
    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        self.break_length(ahead) > 0
    }

    /// Whether a line ends `ahead` bytes after the current place, by a line break or by the end of the text.
    pub(crate) fn is_line_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    /// Whether a word ends `ahead` bytes after the current place: by a blank, a line break, or the end of the text.
    pub(crate) fn is_word_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_line_end(ahead)
    }

    /// Whether the cursor is at the start of a line that begins with `---` or `...`. A blank or the end of the line must
    /// follow.
    pub(crate) fn is_document_mark(&self) -> bool {
        let first = self.at(0);
        self.mark.column == 0 && matches!(first, b'-' | b'.') && self.at(1) == first && self.at(2) == first && self.is_word_end(3)
    }

    /// The length, in bytes, of the line break that begins `ahead` bytes after the current place; 0 if there is none. Line
    /// breaks are LF, CR, CR LF, and the Unicode characters NEL, LS and PS.
    fn break_length(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\r' if self.at(ahead + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xC2 if self.at(ahead + 1) == 0x85 => 2,
            0xE2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    /// Skips one character that is not a line break.
    pub(crate) fn skip(&mut self) {
        let byte = self.at(0);
        if byte == 0 {
            return;
        }
        if !self.is_blank(0) {
            self.newlines = 0;
        }
        self.mark.column += 1;
        self.mark.offset += match byte {
            0..0xC0 => 1,
            0xC0..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
    }

    /// Skips `count` characters that are not line breaks.
    pub(crate) fn skip_many(&mut self, count: usize) {
        for _ in 0..count {
            self.skip();
        }
    }

    /// Skips characters while `wanted` returns true and the text has not ended. Returns the offset of the first of these
    /// characters.
    pub(crate) fn skip_while(&mut self, wanted: impl Fn(&Self) -> bool) -> usize {
        let start = self.mark.offset;
        while self.at(0) != 0 && wanted(self) {
            self.skip();
        }
        start
    }

    /// Skips bytes while `wanted` returns true. This is faster than [`Cursor::skip_while`]. `wanted` must accept only visible
    /// ASCII characters, because each character must be one byte and one column.
    pub(crate) fn skip_run(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.mark.offset..);
        let length = blocks::run(rest.unwrap_or_default(), wanted);
        if length > 0 {
            self.newlines = 0;
            self.mark.offset += length;
            self.mark.column += length;
        }
    }

    /// Skips the rest of the line, without the line break. Returns the offset at which the skipped text begins.
    pub(crate) fn skip_line(&mut self) -> usize {
        let start = self.mark.offset;
        loop {
            self.skip_run(|byte| byte.is_ascii_graphic());
            if self.is_line_end(0) {
                return start;
            }
            self.skip();
        }
    }

    /// Skips spaces and tabs.
    pub(crate) fn skip_blanks(&mut self) {
        self.skip_while(|cursor| cursor.is_blank(0));
    }

    /// Skips a line break, if there is one at the current place. Returns the text that the break stands for in a scalar. LS and
    /// PS stand for themselves, all other breaks for LF. Returns an empty text if there is no break.
    pub(crate) fn skip_break(&mut self) -> &'static str {
        let length = self.break_length(0);
        let meaning = match (length, self.at(2)) {
            (0, _) => return "",
            (3, 0xA8) => "\u{2028}",
            (3, _) => "\u{2029}",
            _ => "\n",
        };
        self.mark.offset += length;
        self.mark.line += 1;
        self.mark.column = 0;
        self.newlines += 1;
        meaning
    }
}
