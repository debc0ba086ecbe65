//! What the scanner knows between two tokens.

use std::collections::VecDeque;

use super::{
    cursor::{Cursor, Mark},
    token::Placed,
};
use crate::sops::format::problem::{Flaw, ParseError};

/// Reads tokens one by one, and the comments between them.
pub(crate) struct Scanner<'a> {
    pub(crate) cursor: Cursor<'a>,
    /// Tokens read and not yet given out.
    pub(crate) tokens: VecDeque<Placed<'a>>,
    /// How many were given out.
    pub(crate) taken: usize,
    /// Comments read and not yet given out.
    pub(crate) notes: VecDeque<Note<'a>>,
    /// The column of the innermost block; none outside of any.
    pub(crate) indent: Option<usize>,
    /// The columns of the blocks around it, outermost first.
    pub(crate) indents: Vec<Option<usize>>,
    /// Whether a key without `?` may start here.
    pub(crate) key_allowed: bool,
    /// The possible key at each flow level, the block level first.
    pub(crate) keys: Vec<Option<SimpleKey>>,
    /// How many of the outermost levels have no possible key.
    pub(crate) without_keys: usize,
    /// How many tokens and lines of comments were read.
    pub(crate) fetched: usize,
    pub(crate) started: bool,
    pub(crate) ended: bool,
}

/// An error at a place.
pub(crate) fn problem(mark: Mark, problem: impl Into<String>) -> ParseError {
    ParseError {
        line: Some(mark.line + 1),
        problem: problem.into(),
        flaw: Flaw::Grammar,
    }
}

impl<'a> Scanner<'a> {
    /// At the start of `text`, which holds no NUL.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            notes: VecDeque::new(),
            indent: None,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![None],
            without_keys: 0,
            fetched: 0,
            started: false,
            ended: false,
        }
    }
}

/// A place where a key without `?` may have started. Only a `:` behind it shows that one has.
#[derive(Clone, Copy)]
pub(crate) struct SimpleKey {
    /// Where.
    pub(crate) start: Mark,
    /// The number of the token that would follow the key mark.
    pub(crate) token: usize,
    /// Whether only a key can stand there, so that a missing `:` is an error.
    pub(crate) required: bool,
}

/// Where a comment stands, seen from what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotePlace {
    /// On lines of its own, above.
    Head,
    /// On the same line, behind.
    Line,
    /// On lines of its own, below.
    Foot,
}

/// Lines of a comment, each with its `#`; an empty one stands for a blank line in the text.
pub(crate) type Lines<'a> = Vec<&'a str>;

/// A comment that waits for its token.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    /// The offset where the search that found it began.
    pub(crate) scan: usize,
    /// The first token at this offset or behind it takes the comment.
    pub(crate) owner: usize,
    /// Where it starts. In a [`NotePlace::Line`] note the column counts from 0, in the others from 1.
    pub(crate) start: Mark,
    /// The offset where it ends; 0 in a [`NotePlace::Line`] note.
    pub(crate) end: usize,
    pub(crate) place: NotePlace,
    pub(crate) lines: Lines<'a>,
}
