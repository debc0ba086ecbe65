//! Reads the start and the end of YAML documents, and their directives.

use std::{borrow::Cow, mem};

use super::{
    compose::{Composer, NodeSite},
    node::Document,
    scanner::Lines,
    token::Token,
};
use crate::sops::format::{problem::ParseError, yaml::resolve::Tag};

impl<'a> Composer<'a> {
    /// Reads the next YAML document. Returns `None` after the last document.
    pub(crate) fn document(&mut self) -> Result<Option<Document<'a>>, ParseError> {
        if matches!(self.peek()?, Token::StreamStart) {
            self.skip();
        }
        let first = mem::replace(&mut self.first, false);
        while !first && matches!(self.peek()?, Token::DocumentEnd) {
            self.skip();
        }
        if matches!(self.peek()?, Token::StreamEnd) {
            return Ok(None);
        }
        let marked = !first || self.starts_document()?;
        let head = if marked { Lines::new() } else { self.split_document_head() };
        self.read_directives(marked)?;
        let empty = marked && (self.starts_document()? || matches!(self.peek()?, Token::DocumentEnd | Token::StreamEnd));
        let root = if empty {
            self.nothing(None)
        } else {
            self.node(NodeSite::Block)?
        };
        if matches!(self.peek()?, Token::DocumentEnd) {
            self.skip();
        }
        let end = mem::take(&mut self.pending);
        let foot = if end.foot.is_empty() { end.head } else { end.foot };
        Ok(Some(Document { root, head, foot }))
    }

    /// Whether a document starts at the next token, with `---` or with directives.
    fn starts_document(&mut self) -> Result<bool, ParseError> {
        Ok(matches!(
            self.peek()?,
            Token::Version | Token::TagDirective { .. } | Token::DocumentStart
        ))
    }

    /// Removes the lines above the last blank line from the pending comment, and returns them. These lines belong to the
    /// document. The lines below the blank line belong to the first node.
    fn split_document_head(&mut self) -> Lines<'a> {
        let pending = &mut self.pending.head;
        let Some(blank) = pending.iter().rposition(|line| line.is_empty()) else {
            return Lines::new();
        };
        let rest = pending.split_off(blank + 1);
        let mut head = mem::replace(pending, rest);
        head.truncate(blank);
        head
    }

    /// Reads the directives of a document and its mark `---`, if the document is `marked`. Every document has the tag handles
    /// `!` and `!!`.
    fn read_directives(&mut self, marked: bool) -> Result<(), ParseError> {
        self.tags.clear();
        let mut versions = 0;
        while marked && !matches!(self.peek()?, Token::DocumentStart) {
            let directive = self.scanner.tokens.front();
            match directive.map(|placed| &placed.token) {
                Some(Token::Version) if versions == 0 => versions += 1,
                Some(Token::TagDirective { handle, prefix }) if !self.tags.contains_key(handle) => {
                    self.tags.insert(handle, prefix.clone());
                }
                Some(Token::Version | Token::TagDirective { .. }) => {
                    return self.fail("a directive is repeated");
                }
                _ => return self.fail("the '---' before a document is missing"),
            }
            self.skip();
        }
        if marked {
            self.skip();
        }
        for (handle, prefix) in [("!", "!"), ("!!", Tag::PREFIX)] {
            self.tags.entry(handle).or_insert(Cow::Borrowed(prefix));
        }
        Ok(())
    }
}
