//! Comments between tokens: which are one, where they take effect, and whether they belong to what is above or below.
//!
//! The rules are those of the library that sops reads YAML with, down to its limits; a comment in another place would be
//! decrypted with the wrong path.

use super::{
    cursor::{Cursor, Mark},
    scan::Scanner,
    token::{Placed, Token},
};

/// How far a comment is looked for behind a token, in bytes.
const REACH: usize = 512;

/// Where a comment stands, seen from what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On lines of its own, above.
    Head,
    /// On the same line, behind.
    Line,
    /// On lines of its own, below.
    Foot,
}

/// Lines of a comment, each with its `#`; an empty one stands for a blank line in the text.
pub(super) type Lines<'a> = Vec<&'a str>;

/// A comment that waits for its token.
#[derive(Debug)]
pub(super) struct Note<'a> {
    /// The offset where the search that found it began.
    scan: usize,
    /// The offset from which on a token takes it.
    pub(super) owner: usize,
    /// Where it starts. In a [`Place::Line`] note the column counts from 0, in the others from 1.
    start: Mark,
    /// The offset where it ends; 0 in a [`Place::Line`] note.
    end: usize,
    pub(super) place: Place,
    pub(super) lines: Lines<'a>,
}

/// A search for comments between two tokens.
struct Search<'a> {
    /// Where it began, or where the last comment below the token above ended.
    scan: usize,
    /// Where the token above starts.
    owner: usize,
    /// Whether that is a `:`.
    after_value: bool,
    /// The line on which a comment must start to belong to the token above.
    foot_line: Option<usize>,
    /// The column of the current block.
    indent: usize,
    /// Whether no blank line was passed before.
    unbroken: bool,
    /// Whether the line just passed was blank.
    after_blank: bool,
    /// What was found and not yet placed.
    start: Mark,
    lines: Lines<'a>,
}

impl<'a> Search<'a> {
    /// Whether what was found stands left of the current block.
    fn is_dedented(&self) -> bool {
        self.start.column <= self.indent
    }

    /// What was found, as a note that ends at `end`, the search going on from there.
    fn place(&mut self, owner: usize, end: usize) -> Note<'a> {
        let note = Note {
            scan: self.scan,
            owner,
            start: self.start,
            end,
            place: Place::Foot,
            lines: std::mem::take(&mut self.lines),
        };
        (self.scan, self.owner) = (end, end);
        note
    }

    /// At the end of a line, or at the bracket that closes a flow collection: what was found belongs above, if it starts right
    /// below the token above, or left of the block.
    fn end_line(&mut self, closes: bool, at_end: bool, here: usize) -> Option<Note<'a>> {
        if self.lines.is_empty() || self.after_blank && !closes {
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
}

impl<'a> Scanner<'a> {
    /// A comment behind the token just read, on its line.
    pub(super) fn scan_line_comment(&mut self, owner: Mark) {
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
            place: Place::Line,
            lines: vec![line],
        });
    }

    /// A comment behind the first `-` of a list that has something else below it is about that.
    pub(super) fn promote_entry_comment(&mut self) {
        let mut newest = self.tokens.iter().rev().map(|placed| &placed.token);
        let after_first_entry =
            matches!(newest.next(), Some(Token::BlockEntry)) && matches!(newest.next(), Some(Token::BlockSequenceStart));
        if !after_first_entry || self.cursor.is_break(0) {
            return;
        }
        let here = self.cursor.mark;
        if let Some(note) = self.notes.back_mut().filter(|note| note.place == Place::Line) {
            note.place = Place::Head;
            if note.start.line + 1 == here.line {
                note.owner = here.offset;
            }
        }
    }

    /// Comments on lines of their own, from here to the next token; `scan` is where the search for that began.
    pub(super) fn scan_comments(&mut self, scan: Mark) {
        let mut search = self.search(scan);
        let Mark {
            mut line, mut column, ..
        } = self.cursor.mark;
        let mut ahead = 0;
        while ahead < REACH {
            column += 1;
            let here = self.cursor.mark.offset + ahead;
            let byte = self.cursor.at(ahead);
            let closes = self.in_flow() && matches!(byte, b']' | b'}');
            if self.cursor.is_blank(ahead) {
                ahead += 1;
                continue;
            }
            if closes || self.cursor.is_line_end(ahead) {
                self.notes.extend(search.end_line(closes, byte == 0, here));
                if closes || byte == 0 {
                    break;
                }
                (search.unbroken, search.after_blank) = (false, true);
                (line, column) = (line + 1, 0);
                ahead += 1;
                continue;
            }
            if !search.lines.is_empty() && column <= search.indent && column != search.start.column {
                let owner = search.owner;
                self.notes.push_back(search.place(owner, here));
            }
            if byte != b'#' {
                break;
            }
            if search.lines.is_empty() {
                search.start = Mark {
                    offset: here,
                    line,
                    column,
                };
            }
            while self.cursor.mark.offset < here {
                if self.cursor.skip_break().is_empty() {
                    self.cursor.skip();
                }
            }
            search.lines.push(comment_line(&mut self.cursor));
            search.after_blank = false;
            (line, column) = (self.cursor.mark.line, 0);
            ahead = 1;
        }
        if !search.lines.is_empty() {
            let (owner, end) = (search.start.offset, self.cursor.mark.offset + ahead - 1);
            let note = search.place(owner, end);
            self.notes.push_back(Note {
                place: Place::Head,
                ..note
            });
        }
    }

    /// The state at the begin of a search.
    fn search(&self, scan: Mark) -> Search<'a> {
        let above = match (self.tokens.back(), self.tokens.iter().nth_back(1)) {
            (
                Some(Placed {
                    token: Token::FlowEntry, ..
                }),
                Some(before),
            ) => Some(before),
            (newest, _) => newest,
        };
        let (mark, newlines) = (self.cursor.mark, self.cursor.newlines);
        let beside = usize::from(newlines == 0 && mark.column > 1);
        Search {
            scan: scan.offset,
            owner: above.map_or(0, |placed| placed.start.offset),
            after_value: matches!(above, Some(Placed { token: Token::Value, .. })),
            foot_line: (scan.line > 0).then(|| (mark.line + 1 + beside).saturating_sub(newlines)),
            indent: self.indent.unwrap_or(0),
            unbroken: newlines <= 1,
            after_blank: false,
            start: Mark::default(),
            lines: Lines::new(),
        }
    }

    /// Where the innermost block ends, if nothing but comments moves `end`: at the first of the latest comments in its column.
    pub(super) fn block_end(&self, mut end: Mark) -> Mark {
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

/// Passes the rest of the line, which is a comment.
fn comment_line<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let start = cursor.skip_line();
    cursor.slice(start, cursor.mark.offset)
}
