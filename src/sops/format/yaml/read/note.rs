//! Finds comments between tokens: which lines form one comment, which token takes the comment, and on which side of the token the
//! comment stands.
//!
//! The rules are those of go-yaml, the library with which sops reads YAML. The limits of the library are kept, too. sops
//! authenticates an encrypted comment with its path. So a comment in another place would not decrypt.

use std::mem;

use super::{
    cursor::{Cursor, Mark},
    scanner::{Lines, Note, NotePlace, Scanner},
    token::Token,
};

/// How far behind a token a comment is searched for, in bytes. go-yaml has the same limit.
const REACH: usize = 512;

/// The state of a search for comments between two tokens.
struct Search<'a> {
    /// The offset from which the next comment is searched for. This is the end of the latest comment that was found and placed. If
    /// there is none, it is the offset at which the search began.
    scan: usize,
    /// The offset at which the token above starts. Once a comment was found and placed, the offset at which that comment ends.
    owner: usize,
    /// Whether the token above the comment is a `:`.
    after_value: bool,
    /// The line on which a comment must start to belong to the token above. `None` on the first line of the text.
    foot_line: Option<usize>,
    /// The column of the current YAML block, counted from 0.
    indent: usize,
    /// Whether no blank line was passed before the comment.
    unbroken: bool,
    /// How many bytes after the cursor the search for comments has reached.
    ahead: usize,
    /// The line that the search for comments has reached.
    line: usize,
    /// The column that the search for comments has reached, counted from 1.
    column: usize,
    /// The start of the comment that was found and has no place yet.
    start: Mark,
    /// The lines of the comment that was found and has no place yet.
    lines: Lines<'a>,
}

impl<'a> Search<'a> {
    /// Whether the comment that was found starts left of the current block.
    fn is_dedented(&self) -> bool {
        self.start.column <= self.indent
    }

    /// Turns the comment that was found into a note that ends at the offset `end`. The token at the offset `owner` takes the
    /// note. The search continues at `end`.
    fn place(&mut self, owner: usize, end: usize) -> Note<'a> {
        let note = Note {
            scan: self.scan,
            owner,
            start: self.start,
            end,
            place: NotePlace::Foot,
            lines: mem::take(&mut self.lines),
        };
        (self.scan, self.owner) = (end, end);
        note
    }

    /// Handles the end of a line, or a closing bracket of a list or map (`closes`). Returns the comment that was found, if the
    /// comment belongs to the text above. A comment belongs to the text above in three cases:
    ///
    /// - A closing bracket follows the comment.
    /// - No blank line was passed, and the comment is in the line after the previous token, and that token is not a `:`.
    /// - No blank line was passed, and the comment is indented less than the current block.
    fn end_line(&mut self, closes: bool, at_end: bool, here: usize) -> Option<Note<'a>> {
        if self.lines.is_empty() {
            return None;
        }
        let below = Some(self.start.line) == self.foot_line && !self.after_value;
        if closes || self.unbroken && (below || self.is_dedented()) {
            let owner = if self.is_dedented() { self.start.offset } else { self.owner };
            return Some(self.place(owner, here));
        }
        if !at_end {
            self.lines.push("");
        }
        None
    }

    /// Moves the search for comments past a line break.
    fn next_line(&mut self) {
        self.unbroken = false;
        (self.line, self.column) = (self.line + 1, 0);
        self.ahead += 1;
    }

    /// Handles a character that is not blank. If the character is left of the current block, and in another column than the
    /// comment that was found, the comment belongs to the text above and is returned.
    fn dedent(&mut self, here: usize) -> Option<Note<'a>> {
        let dedents = self.column <= self.indent && self.column != self.start.column;
        (dedents && !self.lines.is_empty()).then(|| self.place(self.owner, here))
    }

    /// Ends the search. A comment that still has no place belongs to the text that follows.
    fn finish(mut self, end: usize) -> Option<Note<'a>> {
        if self.lines.is_empty() {
            return None;
        }
        let note = self.place(self.start.offset, end);
        Some(Note {
            place: NotePlace::Head,
            ..note
        })
    }
}

impl<'a> Scanner<'a> {
    /// Reads a comment behind the token that was read last, on the same line. `owner` is the start of the token that takes the
    /// comment.
    pub(crate) fn scan_line_comment(&mut self, owner: Mark) {
        if self.cursor.newlines > 0 {
            return;
        }
        let blanks = (0..REACH).take_while(|&ahead| self.cursor.is_blank(ahead)).count();
        if blanks == REACH || self.cursor.at(blanks) != b'#' {
            return;
        }
        self.cursor.skip_blanks();
        let start = self.cursor.mark;
        let line = comment_line(&mut self.cursor);
        self.notes.push_back(Note {
            scan: 0,
            owner: owner.offset,
            start,
            end: 0,
            place: NotePlace::Line,
            lines: vec![line],
        });
    }

    /// Reads comments on lines of their own, from the current place to the next token. `scan` is the place at which the search
    /// for the next token began.
    pub(crate) fn scan_comments(&mut self, scan: Mark) {
        let mut search = self.search(scan);
        while search.ahead < REACH {
            search.column += 1;
            let here = self.cursor.mark.offset + search.ahead;
            let byte = self.cursor.at(search.ahead);
            let closes = self.in_flow() && matches!(byte, b']' | b'}');
            if self.cursor.is_blank(search.ahead) {
                search.ahead += 1;
            } else if closes || self.cursor.is_line_end(search.ahead) {
                self.notes.extend(search.end_line(closes, byte == 0, here));
                if closes || byte == 0 {
                    break;
                }
                search.next_line();
            } else {
                self.notes.extend(search.dedent(here));
                if byte != b'#' {
                    break;
                }
                self.scan_comment_line(&mut search, here);
            }
        }
        let end = self.cursor.mark.offset + search.ahead - 1;
        self.notes.extend(search.finish(end));
    }

    /// Reads one line of a comment that starts at the offset `here`. Only blanks and line breaks are between the cursor and the
    /// comment.
    fn scan_comment_line(&mut self, search: &mut Search<'a>, here: usize) {
        if search.lines.is_empty() {
            search.start = Mark {
                offset: here,
                line: search.line,
                column: search.column,
            };
        }
        while self.cursor.mark.offset < here {
            if self.cursor.skip_break().is_empty() {
                self.cursor.skip();
            }
        }
        self.fetched += 1;
        search.lines.push(comment_line(&mut self.cursor));
        // As in go-yaml, a line break counts as one byte. After a CR LF, the LF is left over, and counts as an empty line.
        (search.line, search.column, search.ahead) = (self.cursor.mark.line, 0, 1);
    }

    /// The state at the start of a search for comments.
    fn search(&self, scan: Mark) -> Search<'a> {
        let newest = self.tokens.back();
        let behind_entry = matches!(newest.map(|placed| &placed.token), Some(Token::FlowEntry));
        let before = self.tokens.iter().nth_back(1).filter(|_| behind_entry);
        let above = before.or(newest);
        let (mark, newlines) = (self.cursor.mark, self.cursor.newlines);
        Search {
            scan: scan.offset,
            owner: above.map_or(0, |placed| placed.start.offset),
            after_value: matches!(above.map(|placed| &placed.token), Some(Token::Value)),
            foot_line: (scan.line > 0).then(|| (mark.line + 1).saturating_sub(newlines)),
            indent: self.indent.unwrap_or(0),
            unbroken: newlines <= 1,
            ahead: 0,
            line: mark.line,
            column: mark.column,
            start: Mark::default(),
            lines: Lines::new(),
        }
    }

    /// The place at which the innermost block ends, normally `end`. If some of the latest comments stand in the block's own
    /// column, the block ends at the first of these comments.
    pub(crate) fn block_end(&self, mut end: Mark) -> Mark {
        let own_column = self.indent.map_or(0, |indent| indent + 1);
        let mut stop = end.offset;
        for note in self.notes.iter().rev() {
            if note.end < stop {
                break;
            }
            if note.start.column == own_column {
                end = note.start;
            }
            stop = note.scan;
        }
        end
    }
}

/// Skips the rest of a line, which is a comment. Returns the comment with its `#`.
fn comment_line<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let start = cursor.skip_line();
    cursor.slice(start, cursor.mark.offset)
}
