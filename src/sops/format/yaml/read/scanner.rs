//! The state of the YAML scanner between two tokens.

use std::collections::VecDeque;

use super::{
    cursor::{Cursor, Mark},
    token::Placed,
};
use crate::sops::format::problem::{Flaw, ParseError};

/// The scanner, which reads tokens one by one, and the comments between them.
pub(crate) struct Scanner<'a> {
    /// The text of the file, and the place up to which the text has been read.
    pub(crate) cursor: Cursor<'a>,
    /// The YAML tokens that were read and not yet returned.
    pub(crate) tokens: VecDeque<Placed<'a>>,
    /// How many YAML tokens were returned.
    pub(crate) taken: usize,
    /// The YAML comments that were read and not yet returned.
    pub(crate) notes: VecDeque<Note<'a>>,
    /// The column of the innermost YAML block; `None` outside of all blocks.
    pub(crate) indent: Option<usize>,
    /// The columns of the YAML blocks around the innermost block, outermost first.
    pub(crate) indents: Vec<Option<usize>>,
    /// Whether a key without `?` may start at the current place.
    pub(crate) key_allowed: bool,
    /// The possible key at each level of brackets. The first level is outside of all brackets.
    pub(crate) keys: Vec<Option<SimpleKey>>,
    /// How many of the outermost levels of brackets have no possible key.
    pub(crate) without_keys: usize,
    /// How many tokens and lines of comments were read.
    pub(crate) fetched: usize,
    /// Whether the token for the start of the YAML stream was read.
    pub(crate) started: bool,
    /// Whether the token for the end of the YAML stream was read.
    pub(crate) ended: bool,
}

/// An error that names the line of `mark`.
pub(crate) fn problem(mark: Mark, problem: impl Into<String>) -> ParseError {
    ParseError {
        line: Some(mark.line + 1),
        problem: problem.into(),
        flaw: Flaw::Grammar,
    }
}

impl<'a> Scanner<'a> {
    /// A YAML scanner at the start of `text`, which contains no NUL.
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

/// A place where a key without `?` may have started. Only a `:` behind this place shows that there is a key.
#[derive(Clone, Copy)]
pub(crate) struct SimpleKey {
    /// The place where the key may have started.
    pub(crate) start: Mark,
    /// The number of the token before which the mark of the key would be inserted.
    pub(crate) token: usize,
    /// Whether only a key can stand at this place, so that a missing `:` is an error.
    pub(crate) required: bool,
}

/// The place of a YAML comment relative to the node that the comment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotePlace {
    /// The comment is on lines of its own, above the node.
    Head,
    /// The comment is behind the node, on the same line.
    Line,
    /// The comment is on lines of its own, below the node.
    Foot,
}

/// The lines of a comment, each with its `#`. An empty line stands for a blank line in the text.
pub(crate) type Lines<'a> = Vec<&'a str>;

/// A YAML comment that was read and waits for the token that takes the comment.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    /// The offset at which the search for the comment began.
    pub(crate) scan: usize,
    /// The offset that decides which token takes the comment: the first token at this offset or after it.
    pub(crate) owner: usize,
    /// The place where the comment starts. The column counts from 0 in a [`NotePlace::Line`] note, and from 1 in other notes.
    pub(crate) start: Mark,
    /// The offset at which the comment ends; 0 in a [`NotePlace::Line`] note.
    pub(crate) end: usize,
    /// Where the YAML comment stands relative to its node.
    pub(crate) place: NotePlace,
    /// The lines of the YAML comment.
    pub(crate) lines: Lines<'a>,
}
