//! Opens and closes blocks by indentation, and keeps places where a key may have started until a `:` shows that one has.

use super::{
    cursor::Mark,
    scanner::{Scanner, SimpleKey, problem},
    token::Token,
};
use crate::sops::format::problem::ParseError;

/// The most characters between the start of a key without `?` and its `:`. This is the limit of YAML.
const LONGEST_KEY: usize = 1024;

impl<'a> Scanner<'a> {
    /// Opens a block at the column of `start`, if it is deeper than the current block. The token of the block goes before the
    /// token with the number `before`, or behind all tokens.
    pub(crate) fn open_block(&mut self, start: Mark, before: Option<usize>, token: Token<'a>) {
        if self.in_flow() || self.indent >= Some(start.column) {
            return;
        }
        self.indents.push(self.indent);
        self.indent = Some(start.column);
        match before {
            Some(number) => self.insert(number, start, token),
            None => self.push(start, token),
        }
    }

    /// Closes the blocks deeper than `column`. A block ends where the space behind its last token began. If this space has
    /// comments in the block's own column, the block ends at the first of them, and the comments above it belong to the block.
    pub(crate) fn close_blocks(&mut self, column: Option<usize>, scan: Mark) {
        if self.in_flow() {
            return;
        }
        let mut end = Mark {
            offset: scan.offset.saturating_sub(1),
            ..scan
        };
        while self.indent > column {
            end = self.block_end(end);
            self.push(end, Token::BlockEnd);
            self.indent = self.indents.pop().flatten();
        }
    }

    /// The possible key at `level`, unless it has become too long or has reached another line.
    pub(crate) fn live_key(&mut self, level: usize) -> Result<Option<SimpleKey>, ParseError> {
        let Some(slot) = self.keys.get_mut(level) else {
            return Ok(None);
        };
        let Some(key) = *slot else {
            return Ok(None);
        };
        let here = self.cursor.mark;
        if key.start.line == here.line && here.column - key.start.column <= LONGEST_KEY {
            return Ok(Some(key));
        }
        if key.required {
            return Err(problem(key.start, "could not find the ':' of a key"));
        }
        *slot = None;
        Ok(None)
    }

    /// Notes that a key may start here.
    pub(crate) fn save_key(&mut self) -> Result<(), ParseError> {
        if !self.key_allowed {
            return Ok(());
        }
        let start = self.cursor.mark;
        let key = SimpleKey {
            start,
            token: self.taken + self.tokens.len(),
            required: !self.in_flow() && self.indent == Some(start.column),
        };
        self.remove_key()?;
        if let Some(slot) = self.keys.last_mut() {
            *slot = Some(key);
        }
        self.without_keys = self.without_keys.min(self.keys.len() - 1);
        Ok(())
    }

    /// Forgets the possible key of this level.
    pub(crate) fn remove_key(&mut self) -> Result<(), ParseError> {
        match self.keys.last_mut().and_then(Option::take) {
            Some(key) if key.required => Err(problem(key.start, "could not find the ':' of a key")),
            _ => Ok(()),
        }
    }

    /// Starts a block collection, if this is not inside brackets or braces. `what` may stand only where a key may start, and
    /// names the token in the error.
    pub(crate) fn start_in_block(&mut self, what: &str, token: Token<'a>) -> Result<(), ParseError> {
        if self.in_flow() {
            return Ok(());
        }
        let start = self.cursor.mark;
        if !self.key_allowed {
            return Err(problem(start, format!("{what} is not allowed here")));
        }
        self.open_block(start, None, token);
        Ok(())
    }
}
