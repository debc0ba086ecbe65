//! Turns text into tokens: the scanner of YAML 1.1, which also handles indentation and keys without the mark `?`.
//!
//! The scanner follows the grammar of libyaml, as sops does. A scanner of another dialect would read some files as other trees.
//! The positions of tokens also decide the place of each comment in the tree.

use super::{
    cursor::Mark,
    scanner::{Scanner, SimpleKey, problem},
    token::{Placed, Token},
};
use crate::sops::format::{limits::TOO_MANY, problem::ParseError};

/// How many tokens must be in the queue before the first token is returned. The scanner looks ahead, because text behind a token
/// may still change the meaning of the token.
const LOOKAHEAD: usize = 3;

/// Limit: a file may have at most this many tokens and lines of comments, counted together. A key with its value takes three
/// tokens, and an entry of a list takes two. So a million pairs are allowed.
const MOST_TOKENS: usize = 3_300_000;

impl<'a> Scanner<'a> {
    /// The next token, which stays in the queue. Returns `None` after the last token.
    pub(crate) fn peek(&mut self) -> Result<Option<&Placed<'a>>, ParseError> {
        while !self.ended && self.needs_more()? {
            self.fetch()?;
        }
        Ok(self.tokens.front())
    }

    /// Removes the next token from the queue and returns it.
    pub(crate) fn take(&mut self) -> Option<Placed<'a>> {
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Whether more text must be read before the first token in the queue is final. More text is needed if too few tokens are
    /// behind the first token, or if the first token may be a key.
    fn needs_more(&mut self) -> Result<bool, ParseError> {
        if self.tokens.len() < LOOKAHEAD {
            return Ok(true);
        }
        match self.first_key() {
            Some((level, key)) if key.token == self.taken => Ok(self.live_key(level)?.is_some()),
            _ => Ok(false),
        }
    }

    /// The outermost possible key, with its level of brackets. This key is also the first in the text.
    fn first_key(&mut self) -> Option<(usize, SimpleKey)> {
        loop {
            match self.keys.get(self.without_keys)? {
                Some(key) => return Some((self.without_keys, *key)),
                None => self.without_keys += 1,
            }
        }
    }

    /// Whether the current place is inside brackets or braces.
    pub(crate) fn in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    /// Appends a token that starts at `start` to the queue of the scanner.
    pub(crate) fn push(&mut self, start: Mark, token: Token<'a>) {
        self.tokens.push_back(Placed { start, token });
    }

    /// Inserts a token into the queue of the scanner, before the token with the number `number`.
    pub(crate) fn insert(&mut self, number: usize, start: Mark, token: Token<'a>) {
        let index = number.saturating_sub(self.taken).min(self.tokens.len());
        self.tokens.insert(index, Placed { start, token });
    }

    /// Reads the next YAML token, and the comments around this token.
    fn fetch(&mut self) -> Result<(), ParseError> {
        self.fetched += 1;
        if self.fetched > MOST_TOKENS {
            return Err(problem(self.cursor.mark, TOO_MANY));
        }
        if !self.started {
            self.started = true;
            self.push(Mark::default(), Token::StreamStart);
            return Ok(());
        }
        let scan = self.cursor.mark;
        self.skip_to_token(scan);
        let here = self.cursor.mark;
        self.close_blocks(Some(here.column), scan);
        if self.cursor.at(0) == 0 {
            return self.fetch_stream_end();
        }
        if here.column == 0 && self.cursor.at(0) == b'%' {
            return self.fetch_directive();
        }
        if self.cursor.is_document_mark() {
            return self.fetch_document_mark();
        }
        // A comment behind a `:` or a `,` belongs to the token before that mark.
        let owner = match (self.in_flow(), self.cursor.at(0)) {
            (false, b':') | (true, b',') => self.tokens.back().map_or(here, |token| token.start),
            _ => here,
        };
        self.fetch_content()?;
        let newest = self.tokens.back().map(|placed| &placed.token);
        if !matches!(newest, Some(Token::BlockEntry)) {
            self.scan_line_comment(owner);
        }
        Ok(())
    }

    /// Reads one YAML token inside a document.
    fn fetch_content(&mut self) -> Result<(), ParseError> {
        let (flow, next_ends) = (self.in_flow(), self.cursor.is_word_end(1));
        match self.cursor.at(0) {
            b'[' => self.fetch_flow_start(Token::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Token::FlowMappingStart),
            b']' => self.fetch_flow_end(Token::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Token::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if next_ends => self.fetch_block_entry(),
            b'?' if flow || next_ends => self.fetch_key(),
            b':' if flow || next_ends => self.fetch_value(),
            b'*' => self.fetch_word(|scanner| Ok(Token::Alias(scanner.scan_anchor()?))),
            b'&' => self.fetch_word(|scanner| Ok(Token::Anchor(scanner.scan_anchor()?))),
            b'!' => self.fetch_word(Self::scan_tag),
            style @ (b'|' | b'>') if !flow => self.fetch_block_scalar(style == b'|'),
            b'\'' => self.fetch_word(|scanner| scanner.scan_quoted(b'\'')),
            b'"' => self.fetch_word(|scanner| scanner.scan_quoted(b'"')),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                Err(problem(self.cursor.mark, "found a character that cannot start any token"))
            }
            _ => self.fetch_word(Self::scan_plain),
        }
    }

    /// Skips blanks, line breaks and comments up to the next token. The comments are kept as notes.
    fn skip_to_token(&mut self, scan: Mark) {
        loop {
            let tabs = self.in_flow() || !self.key_allowed;
            (self.cursor).skip_while(|cursor| cursor.at(0) == b' ' || tabs && cursor.at(0) == b'\t');
            if self.cursor.at(0) == b'#' {
                self.scan_comments(scan);
            }
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_break();
            if !self.in_flow() {
                self.key_allowed = true;
            }
        }
    }

    fn fetch_stream_end(&mut self) -> Result<(), ParseError> {
        let mark = self.cursor.mark;
        self.close_blocks(None, mark);
        self.remove_key()?;
        self.key_allowed = false;
        self.ended = true;
        self.push(mark, Token::StreamEnd);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), ParseError> {
        let start = self.cursor.mark;
        self.close_blocks(None, start);
        self.remove_key()?;
        self.key_allowed = false;
        let token = self.scan_directive()?;
        self.push(start, token);
        Ok(())
    }

    fn fetch_document_mark(&mut self) -> Result<(), ParseError> {
        let start = self.cursor.mark;
        self.close_blocks(None, start);
        self.remove_key()?;
        self.key_allowed = false;
        let token = match self.cursor.at(0) {
            b'-' => Token::DocumentStart,
            _ => Token::DocumentEnd,
        };
        self.cursor.skip_many(3);
        self.push(start, token);
        Ok(())
    }

    fn fetch_flow_start(&mut self, token: Token<'a>) -> Result<(), ParseError> {
        self.save_key()?;
        self.keys.push(None);
        self.key_allowed = true;
        self.push_indicator(token);
        Ok(())
    }

    fn fetch_flow_end(&mut self, token: Token<'a>) -> Result<(), ParseError> {
        self.remove_key()?;
        if self.in_flow() {
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push_indicator(token);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), ParseError> {
        self.remove_key()?;
        self.key_allowed = true;
        self.push_indicator(Token::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ParseError> {
        self.start_in_block("a list entry", Token::BlockSequenceStart)?;
        self.remove_key()?;
        self.key_allowed = true;
        self.push_indicator(Token::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ParseError> {
        self.start_in_block("a key", Token::BlockMappingStart)?;
        self.remove_key()?;
        self.key_allowed = !self.in_flow();
        self.push_indicator(Token::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ParseError> {
        if let Some(key) = self.live_key(self.keys.len().saturating_sub(1))? {
            self.insert(key.token, key.start, Token::Key);
            self.open_block(key.start, Some(key.token), Token::BlockMappingStart);
            if let Some(slot) = self.keys.last_mut() {
                *slot = None;
            }
            self.key_allowed = false;
        } else {
            self.start_in_block("a value", Token::BlockMappingStart)?;
            self.key_allowed = !self.in_flow();
        }
        self.push_indicator(Token::Value);
        Ok(())
    }

    /// Reads a mark of one character as a YAML token.
    fn push_indicator(&mut self, token: Token<'a>) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.push(start, token);
    }

    /// Reads a token with `scan`. The token may be a key, or the start of a key.
    fn fetch_word(&mut self, scan: impl FnOnce(&mut Self) -> Result<Token<'a>, ParseError>) -> Result<(), ParseError> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let token = scan(self)?;
        self.push(start, token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), ParseError> {
        self.remove_key()?;
        self.key_allowed = true;
        let start = self.cursor.mark;
        let token = self.scan_block(literal)?;
        self.push(start, token);
        Ok(())
    }
}
