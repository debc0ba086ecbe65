//! Opens and closes YAML blocks by indentation, and keeps the places where a key may have started. A `:` behind such a place
//! shows that a key started there.

use super::{
    cursor::Mark,
    scanner::{Scanner, SimpleKey, problem},
    token::Token,
};
use crate::sops::format::problem::ParseError;

/// Limit: at most this many characters may be between the start of a key without `?` and its `:`. YAML has the same limit.
const LONGEST_KEY: usize = 1024;

impl<'a> Scanner<'a> {
    /// Opens a block at the column of `start`, if this column is deeper than the current block. The token of the block is
    /// inserted before the token with the number `before`. If `before` is `None`, the token of the block is appended.
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

    /// Closes all blocks that are deeper than `column`. A block normally ends at `scan`, where the space behind the last token
    /// starts. If comments in this space stand in the block's own column, the block ends at the first of these comments. Comments
    /// before the end of the block belong to the block.
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

    /// The possible key at `level`. Returns `None` if there is none. A key that has become too long, or has reached another line,
    /// is not possible any more. If such a key is required, the function fails. Otherwise the function forgets the key and returns
    /// `None`.
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

    /// Notes that a key without `?` may start at the current place.
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

    /// Forgets the possible key of the current level. Fails if this key is required.
    pub(crate) fn remove_key(&mut self) -> Result<(), ParseError> {
        match self.keys.last_mut().and_then(Option::take) {
            Some(key) if key.required => Err(problem(key.start, "could not find the ':' of a key")),
            _ => Ok(()),
        }
    }

    /// Starts a block collection, unless the current place is inside brackets or braces. Fails if no key may start here. The
    /// error names `what`, the text that is not allowed.
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
