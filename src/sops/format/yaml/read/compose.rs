//! Turns YAML tokens into nodes by the grammar, and decides which node takes which comment.

use std::{borrow::Cow, collections::HashMap, mem, rc::Rc};

use super::{
    node::{Comments, Node, Shape},
    scanner::{Lines, Note, NotePlace, Scanner, problem},
    token::{Placed, Token},
};
use crate::sops::format::{problem::ParseError, yaml::resolve::Tag};

/// Limit: nodes may be nested in at most this many levels, with aliases expanded. No real file is nested this deep. With this
/// limit, all later functions can recurse through the tree on a small stack.
const MOST_NESTED: usize = 200;

/// The site of a YAML node in a document. The site decides what kinds of nodes are allowed there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeSite {
    /// The YAML node is an entry of a block list, or the root of a document.
    Block,
    /// The YAML node is a key or a value of a block map. A list may then stand in the same column as the keys of the map.
    BlockMap,
    /// The YAML node is inside brackets or braces.
    Flow,
}

/// The composer, which reads the documents of a file one by one.
pub(crate) struct Composer<'a> {
    pub(crate) scanner: Scanner<'a>,
    /// The comments that the next YAML node takes.
    pub(crate) pending: Comments<'a>,
    /// The comment above a `-` behind which a collection starts. The comment belongs to this collection, not to its first
    /// entry.
    pub(crate) stem: Lines<'a>,
    /// The nodes that have an anchor, by the name of the anchor. `None` stands for a node that is not complete. Anchors stay
    /// valid in later documents.
    anchors: HashMap<&'a str, Option<Rc<Node<'a>>>>,
    /// The tag handles of the current document, such as `!!`, each with the prefix that the handle stands for.
    pub(crate) tags: HashMap<&'a str, Cow<'a, str>>,
    /// How many YAML nodes are being read, one inside another.
    depth: usize,
    /// Whether no YAML document has been read yet.
    pub(crate) first: bool,
}

impl<'a> Composer<'a> {
    /// A composer of YAML nodes, at the start of `text`, which contains no NUL.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text),
            pending: Comments::default(),
            stem: Lines::new(),
            anchors: HashMap::new(),
            tags: HashMap::new(),
            depth: 0,
            first: true,
        }
    }

    /// The next token, which stays in the queue. The comments that belong to this token are moved to `pending`.
    pub(crate) fn peek(&mut self) -> Result<&Token<'a>, ParseError> {
        if let Some(Placed { start, token }) = self.scanner.peek()? {
            let (limit, ends_block) = (start.offset, matches!(token, Token::BlockEnd));
            while let Some(note) = self.due_note(limit, ends_block) {
                match note.place {
                    NotePlace::Head => self.pending.head.extend(note.lines),
                    NotePlace::Line => self.pending.line.extend(note.lines),
                    NotePlace::Foot => self.pending.foot.extend(note.lines),
                }
            }
        }
        let token = self.scanner.tokens.front().map(|placed| &placed.token);
        Ok(token.unwrap_or(&Token::StreamEnd))
    }

    /// Removes the next comment from the queue and returns it, if its `owner` is at most `limit`. At the end of a block, a
    /// comment above a node stays in the queue, because the comment belongs to the node that follows.
    fn due_note(&mut self, limit: usize, ends_block: bool) -> Option<Note<'a>> {
        let note = self.scanner.notes.front()?;
        let due = note.owner <= limit && !(ends_block && note.place == NotePlace::Head);
        due.then(|| self.scanner.notes.pop_front()).flatten()
    }

    /// Removes the next token from the queue of the scanner.
    pub(crate) fn skip(&mut self) {
        self.scanner.take();
    }

    /// The line of the next token, counted from 1.
    pub(crate) fn line(&self) -> usize {
        (self.scanner.tokens.front()).map_or(0, |placed| placed.start.line + 1)
    }

    /// Returns an error that names the line of the next token.
    pub(crate) fn fail<T>(&self, text: &str) -> Result<T, ParseError> {
        let mark = self.scanner.tokens.front().map(|placed| placed.start);
        Err(problem(mark.unwrap_or_default(), text))
    }

    /// A YAML node that takes all pending comments. `at` is the line of the node.
    fn leaf(&mut self, at: usize, shape: Shape<'a>) -> Rc<Node<'a>> {
        Node::new(at, shape, mem::take(&mut self.pending))
    }

    /// An empty scalar for a node that the text leaves out. This scalar takes no comments.
    pub(crate) fn nothing(&self, tag: Option<Tag>) -> Rc<Node<'a>> {
        let (text, plain) = (Cow::Borrowed(""), true);
        let shape = Shape::Scalar { text, plain, tag };
        Node::new(self.line(), shape, Comments::default())
    }

    /// Reads a node at the given site. Fails if nodes are nested too deep.
    pub(crate) fn node(&mut self, site: NodeSite) -> Result<Rc<Node<'a>>, ParseError> {
        self.peek()?;
        self.check_depth(0)?;
        self.depth += 1;
        let node = self.named_node(site);
        self.depth -= 1;
        node
    }

    /// Fails if a node at the current place, with `height` levels below it, is nested too deep.
    fn check_depth(&self, height: usize) -> Result<(), ParseError> {
        if self.depth + height < MOST_NESTED {
            return Ok(());
        }
        self.fail(&format!("collections are nested more than {MOST_NESTED} levels deep"))
    }

    /// Reads an alias, or a node that may have an anchor and a tag.
    fn named_node(&mut self, site: NodeSite) -> Result<Rc<Node<'a>>, ParseError> {
        let at = self.line();
        if let Token::Alias(name) = *self.peek()? {
            let target = self.target(name)?;
            self.skip();
            return Ok(self.leaf(at, Shape::Alias(target)));
        }
        let (mut anchor, mut tag, mut tagged) = (None, None, false);
        loop {
            match *self.peek()? {
                Token::Anchor(name) if anchor.is_none() => anchor = Some(name),
                Token::Tag { .. } if !tagged => (tagged, tag) = (true, self.tag()?),
                _ => break,
            }
            self.skip();
        }
        if let Some(name) = anchor {
            // The anchor is stored before its node is complete. So an alias inside this node gives the error that a value
            // contains itself.
            self.anchors.insert(name, None);
        }
        let node = self.content(site, at, tag, anchor.is_some() || tagged)?;
        if let Some(slot @ None) = anchor.and_then(|name| self.anchors.get_mut(name)) {
            *slot = Some(Rc::clone(&node));
        }
        Ok(node)
    }

    /// The node that an alias stands for. Fails if the anchor is not known, or its node is not complete.
    fn target(&self, name: &str) -> Result<Rc<Node<'a>>, ParseError> {
        match self.anchors.get(name) {
            Some(Some(node)) => {
                self.check_depth(node.height)?;
                Ok(Rc::clone(node))
            }
            // The name of an alias is never told: it may be a password that begins with `*` and lacks quotes.
            Some(None) => self.fail("the value of an anchor contains itself"),
            None => self.fail("an alias has no anchor (a value that begins with '*' needs quotes)"),
        }
    }

    /// What the next token, which is a tag, means for a scalar. Returns `None` for the tag `!`, which has no meaning.
    fn tag(&self) -> Result<Option<Tag>, ParseError> {
        let Some(Placed {
            token: Token::Tag { handle, suffix },
            ..
        }) = self.scanner.tokens.front()
        else {
            return Ok(None);
        };
        if handle.is_empty() {
            return Ok(Tag::named(suffix));
        }
        match self.tags.get(handle) {
            Some(prefix) => Ok(Tag::prefixed(prefix, suffix)),
            // Nor is the handle, for the same reason.
            None => self.fail("a tag has a handle that is not defined (a value that begins with '!' needs quotes)"),
        }
    }

    /// Reads the content of a node, behind its anchor and tag. Returns an empty scalar if the content is missing and
    /// `optional`.
    fn content(&mut self, site: NodeSite, at: usize, tag: Option<Tag>, optional: bool) -> Result<Rc<Node<'a>>, ParseError> {
        match self.peek()? {
            Token::BlockEntry if site == NodeSite::BlockMap => self.indentless_list(at),
            Token::Scalar { .. } => Ok(self.scalar(at, tag)),
            Token::FlowSequenceStart => self.flow_list(at),
            Token::FlowMappingStart => self.flow_map(at),
            Token::BlockSequenceStart if site != NodeSite::Flow => self.block_list(at),
            Token::BlockMappingStart if site != NodeSite::Flow => self.block_map(at),
            _ if optional => Ok(self.nothing(tag)),
            _ => self.fail("a value is missing or not allowed here"),
        }
    }

    /// Makes the node of the next token, which is a scalar.
    fn scalar(&mut self, at: usize, tag: Option<Tag>) -> Rc<Node<'a>> {
        match self.scanner.take() {
            Some(Placed {
                token: Token::Scalar { text, plain },
                ..
            }) => self.leaf(at, Shape::Scalar { text, plain, tag }),
            _ => self.nothing(tag),
        }
    }
}
