//! A place in the text, and the steps that move it.

/// A place in the text, by its offset and by the line and column that a person counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Bytes before it.
    pub(crate) offset: usize,
    /// Line breaks before it.
    pub(crate) line: usize,
    /// Characters before it on its line.
    pub(crate) column: usize,
}

/// The text, and the place up to which it has been read.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    /// Where we are.
    pub(crate) mark: Mark,
    /// Line breaks passed since the last character that was not blank.
    pub(crate) newlines: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `text`, which holds no NUL.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            mark: Mark::default(),
            newlines: 0,
        }
    }

    /// The byte that is `ahead` bytes behind the current place; NUL at the end of the text.
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        let offset = self.mark.offset.saturating_add(ahead);
        self.text.as_bytes().get(offset).copied().unwrap_or(0)
    }

    /// The text between two offsets.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Whether the byte `ahead` is a space or a tab.
    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// Whether a line break begins `ahead`.
    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        self.break_length(ahead) > 0
    }

    /// Whether a line ends `ahead`, by a break or by the end of the text.
    pub(crate) fn is_line_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    /// Whether a word ends `ahead`: a blank, a break, or the end of the text.
    pub(crate) fn is_word_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_line_end(ahead)
    }

    /// Whether a line starts here with `---` or `...`, alone or before a blank.
    pub(crate) fn is_document_mark(&self) -> bool {
        let first = self.at(0);
        self.mark.column == 0 && matches!(first, b'-' | b'.') && self.at(1) == first && self.at(2) == first && self.is_word_end(3)
    }

    /// Length in bytes of the line break `ahead`: LF, CR, CR LF, NEL, LS or PS. Zero if there is none.
    fn break_length(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\r' if self.at(ahead + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xC2 if self.at(ahead + 1) == 0x85 => 2,
            0xE2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    /// Passes one character that is not a line break.
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

    /// Passes `count` characters.
    pub(crate) fn skip_many(&mut self, count: usize) {
        for _ in 0..count {
            self.skip();
        }
    }

    /// Passes characters as long as `wanted` is true and the text has not ended. Returns the offset at which they began.
    pub(crate) fn skip_while(&mut self, wanted: impl Fn(&Self) -> bool) -> usize {
        let start = self.mark.offset;
        while self.at(0) != 0 && wanted(self) {
            self.skip();
        }
        start
    }

    /// Passes characters in one go, which is faster. `wanted` must accept only visible ASCII characters: each is one byte and one
    /// column.
    pub(crate) fn skip_run(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.mark.offset..);
        let bytes = rest.unwrap_or_default().iter();
        let length = bytes.take_while(|byte| wanted(**byte)).count();
        if length > 0 {
            self.newlines = 0;
            self.mark.offset += length;
            self.mark.column += length;
        }
    }

    /// Passes the rest of the line; returns where it began.
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

    /// Passes a line break, if there is one here. Returns what it means in a scalar: LS and PS stay what they are, all others
    /// become LF.
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
