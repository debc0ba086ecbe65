//! Tokens to nodes: the grammar, and which node takes which comment.

use std::{borrow::Cow, cell::RefCell, collections::HashMap, mem, rc::Rc};

use super::{
    note::{Lines, Note, Place},
    resolve::Tag,
    scan::{Scanner, problem},
    token::{Placed, Token},
};
use crate::sops::format::ParseError;

/// Most collections inside one another. Deeper than any real file, and shallow enough for every later walk of the tree to recurse
/// on a small stack.
pub(super) const MOST_NESTED: usize = 200;

/// A node of a document, with its comments.
pub(super) struct Node<'a> {
    /// The line on which it starts, from 1.
    pub(super) at: usize,
    pub(super) shape: Shape<'a>,
    pub(super) head: Lines<'a>,
    pub(super) line: Lines<'a>,
    /// Moves to a neighbour as long as the map around it is read.
    pub(super) foot: RefCell<Lines<'a>>,
}

/// What a node is.
pub(super) enum Shape<'a> {
    Scalar {
        text: Cow<'a, str>,
        /// Whether it stood there without quotes and not as a block.
        plain: bool,
        tag: Option<Tag>,
    },
    List(Vec<Rc<Node<'a>>>),
    Map(Vec<(Rc<Node<'a>>, Rc<Node<'a>>)>),
    /// Another node, once more.
    Alias(Rc<Node<'a>>),
}

/// A document with the comments around its root.
pub(super) struct Document<'a> {
    pub(super) root: Rc<Node<'a>>,
    pub(super) head: Lines<'a>,
    pub(super) foot: Lines<'a>,
}

/// Comments that the next node takes.
#[derive(Default)]
struct Pending<'a> {
    head: Lines<'a>,
    line: Lines<'a>,
    foot: Lines<'a>,
}

/// Where a node stands, which decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Site {
    /// A list entry or a root.
    Block,
    /// A key or a value of a map: a list may stand in the map's own column.
    BlockMap,
    /// Inside brackets.
    Flow,
}

/// Reads documents one by one.
pub(super) struct Composer<'a> {
    scanner: Scanner<'a>,
    pending: Pending<'a>,
    /// The comment above a `-` that is followed by a collection: it belongs to that, not to its first entry.
    stem: Lines<'a>,
    /// The nodes that have a name; none while they are not complete. Names outlive their document.
    anchors: HashMap<&'a str, Option<Rc<Node<'a>>>>,
    /// Tag handles and what they stand for, in this document.
    tags: Vec<(&'a str, Cow<'a, str>)>,
    depth: usize,
    /// Whether no document was read yet.
    first: bool,
}

impl<'a> Composer<'a> {
    /// At the start of `text`, which holds no NUL.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text),
            pending: Pending::default(),
            stem: Lines::new(),
            anchors: HashMap::new(),
            tags: Vec::new(),
            depth: 0,
            first: true,
        }
    }

    /// The next token. What comments are due at it become pending.
    fn peek(&mut self) -> Result<&Token<'a>, ParseError> {
        if let Some(Placed { start, token }) = self.scanner.peek()? {
            let (limit, ends_block) = (start.offset, matches!(token, Token::BlockEnd));
            while let Some(note) = self.due_note(limit, ends_block) {
                match note.place {
                    Place::Head => self.pending.head.extend(note.lines),
                    Place::Line => self.pending.line.extend(note.lines),
                    Place::Foot => self.pending.foot.extend(note.lines),
                }
            }
        }
        let token = self.scanner.tokens.front().map(|placed| &placed.token);
        Ok(token.unwrap_or(&Token::StreamEnd))
    }

    /// The next comment that is due at `limit`. The end of a block leaves what is above to what follows.
    fn due_note(&mut self, limit: usize, ends_block: bool) -> Option<Note<'a>> {
        let note = self.scanner.notes.front()?;
        let due = note.owner <= limit && !(ends_block && note.place == Place::Head);
        due.then(|| self.scanner.notes.pop_front()).flatten()
    }

    /// Passes the token that was peeked at.
    fn skip(&mut self) {
        self.scanner.take();
    }

    /// The line of the next token, from 1.
    fn line(&self) -> usize {
        (self.scanner.tokens.front()).map_or(0, |placed| placed.start.line + 1)
    }

    /// An error at the next token.
    fn fail<T>(&self, text: &str) -> Result<T, ParseError> {
        let mark = self.scanner.tokens.front().map(|placed| placed.start);
        Err(problem(mark.unwrap_or_default(), text))
    }

    /// The next document; none behind the last.
    pub(super) fn document(&mut self) -> Result<Option<Document<'a>>, ParseError> {
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
        let root = if empty { self.nothing(None) } else { self.node(Site::Block)? };
        if matches!(self.peek()?, Token::DocumentEnd) {
            self.skip();
        }
        let end = mem::take(&mut self.pending);
        let foot = if end.foot.is_empty() { end.head } else { end.foot };
        Ok(Some(Document { root, head, foot }))
    }

    /// Whether a document starts with its mark here, or with directives.
    fn starts_document(&mut self) -> Result<bool, ParseError> {
        Ok(matches!(
            self.peek()?,
            Token::Version | Token::TagDirective { .. } | Token::DocumentStart
        ))
    }

    /// The part of the pending comment above its last blank line: it belongs to the document.
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

    /// The directives of a document and, if it is `marked`, its mark.
    fn read_directives(&mut self, marked: bool) -> Result<(), ParseError> {
        self.tags.clear();
        let mut versions = 0;
        while marked && !matches!(self.peek()?, Token::DocumentStart) {
            let directive = self.scanner.tokens.front();
            match directive.map(|placed| &placed.token) {
                Some(Token::Version) if versions == 0 => versions += 1,
                Some(Token::TagDirective { handle, prefix }) if !self.knows_tag(handle) => {
                    self.tags.push((handle, prefix.clone()));
                }
                Some(Token::Version | Token::TagDirective { .. }) => {
                    return self.fail("a directive is repeated");
                }
                _ => return self.fail("a document wants '---' before it"),
            }
            self.skip();
        }
        if marked {
            self.skip();
        }
        for (handle, prefix) in [("!", "!"), ("!!", Tag::PREFIX)] {
            if !self.knows_tag(handle) {
                self.tags.push((handle, Cow::Borrowed(prefix)));
            }
        }
        Ok(())
    }

    fn knows_tag(&self, handle: &str) -> bool {
        self.tags.iter().any(|(known, _)| *known == handle)
    }

    /// A node that takes all pending comments.
    fn leaf(&mut self, at: usize, shape: Shape<'a>) -> Rc<Node<'a>> {
        let Pending { head, line, foot } = mem::take(&mut self.pending);
        let foot = RefCell::new(foot);
        Rc::new(Node {
            at,
            shape,
            head,
            line,
            foot,
        })
    }

    /// A scalar for which nothing stands in the text; it takes no comments.
    fn nothing(&self, tag: Option<Tag>) -> Rc<Node<'a>> {
        let text = Cow::Borrowed("");
        bare(self.line(), Lines::new(), Shape::Scalar { text, plain: true, tag })
    }

    /// A node.
    fn node(&mut self, site: Site) -> Result<Rc<Node<'a>>, ParseError> {
        self.peek()?;
        if self.depth >= MOST_NESTED {
            return self.fail(&too_deep());
        }
        self.depth += 1;
        let node = self.named_node(site);
        self.depth -= 1;
        node
    }

    /// An alias, or a node with maybe an anchor and a tag.
    fn named_node(&mut self, site: Site) -> Result<Rc<Node<'a>>, ParseError> {
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
            self.anchors.insert(name, None);
        }
        let node = self.content(site, at, tag, anchor.is_some() || tagged)?;
        if let Some(slot @ None) = anchor.and_then(|name| self.anchors.get_mut(name)) {
            *slot = Some(Rc::clone(&node));
        }
        Ok(node)
    }

    /// The node that an alias stands for.
    fn target(&self, name: &str) -> Result<Rc<Node<'a>>, ParseError> {
        match self.anchors.get(name) {
            Some(Some(node)) => Ok(Rc::clone(node)),
            Some(None) => self.fail(&format!("the value of the anchor {name} contains itself")),
            None => self.fail(&format!("the anchor {name} is not known")),
        }
    }

    /// What the next token, a tag, means for a scalar.
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
        match self.tags.iter().find(|(known, _)| known == handle) {
            Some((_, prefix)) => Ok(Tag::named(&format!("{prefix}{suffix}"))),
            None => self.fail(&format!("the tag handle {handle} is not known")),
        }
    }

    /// What follows anchor and tag.
    fn content(&mut self, site: Site, at: usize, tag: Option<Tag>, optional: bool) -> Result<Rc<Node<'a>>, ParseError> {
        match self.peek()? {
            Token::BlockEntry if site == Site::BlockMap => self.indentless_list(at),
            Token::Scalar { .. } => Ok(self.scalar(at, tag)),
            Token::FlowSequenceStart => self.flow_list(at),
            Token::FlowMappingStart => self.flow_map(at),
            Token::BlockSequenceStart if site != Site::Flow => self.block_list(at),
            Token::BlockMappingStart if site != Site::Flow => self.block_map(at),
            _ if optional => Ok(self.nothing(tag)),
            _ => self.fail("a value is missing or not allowed here"),
        }
    }

    fn scalar(&mut self, at: usize, tag: Option<Tag>) -> Rc<Node<'a>> {
        match self.scanner.take() {
            Some(Placed {
                token: Token::Scalar { text, plain },
                ..
            }) => self.leaf(at, Shape::Scalar { text, plain, tag }),
            _ => self.nothing(tag),
        }
    }

    /// A list by indentation.
    fn block_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.stem);
        let mut items = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::BlockEnd) {
            if !matches!(self.peek()?, Token::BlockEntry) {
                return self.fail("the '-' of a list entry is missing");
            }
            items.push(self.entry()?);
        }
        self.skip();
        Ok(bare(at, head, Shape::List(items)))
    }

    /// A list in the column of the map that it is a value of.
    fn indentless_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let mut items = Vec::new();
        while matches!(self.peek()?, Token::BlockEntry) {
            items.push(self.entry()?);
        }
        Ok(bare(at, Lines::new(), Shape::List(items)))
    }

    /// An entry of a block list. A list in its map's column ends where the map goes on.
    fn entry(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        let above = self.pending.head.len();
        self.skip();
        let starts_block = matches!(self.peek()?, Token::BlockSequenceStart | Token::BlockMappingStart);
        if above > 0 && starts_block {
            let rest = self.pending.head.split_off(above.min(self.pending.head.len()));
            self.stem = mem::replace(&mut self.pending.head, rest);
        }
        self.block_node(Site::Block, true)
    }

    /// A node of a block collection, or nothing if the collection goes on or ends.
    fn block_node(&mut self, site: Site, in_list: bool) -> Result<Rc<Node<'a>>, ParseError> {
        match self.peek()? {
            Token::BlockEntry if in_list => Ok(self.nothing(None)),
            Token::Key | Token::Value | Token::BlockEnd => Ok(self.nothing(None)),
            _ => self.node(site),
        }
    }

    /// A map by indentation.
    fn block_map(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.stem);
        let mut pairs: Vec<(Rc<Node<'a>>, Rc<Node<'a>>)> = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::BlockEnd) {
            if !matches!(self.peek()?, Token::Key) {
                return self.fail("a key is missing");
            }
            self.skip();
            let key = self.block_node(Site::BlockMap, false)?;
            if let Some((above, _)) = pairs.last() {
                move_foot(&key, above);
            }
            let value = self.block_value()?;
            inherit_foot(&value, &key);
            pairs.push((key, value));
        }
        self.skip();
        let Pending { line, mut foot, .. } = mem::take(&mut self.pending);
        if let Some((last, _)) = pairs.last().filter(|_| !foot.is_empty()) {
            last.foot.replace(mem::take(&mut foot));
        }
        let (shape, foot) = (Shape::Map(pairs), RefCell::new(foot));
        Ok(Rc::new(Node {
            at,
            shape,
            head,
            line,
            foot,
        }))
    }

    /// What stands behind a key of a block map.
    fn block_value(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        if !matches!(self.peek()?, Token::Value) {
            return Ok(self.nothing(None));
        }
        self.skip();
        self.block_node(Site::BlockMap, false)
    }

    /// A list in brackets.
    fn flow_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.pending).head;
        let mut items = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::FlowSequenceEnd) {
            self.flow_separator(items.is_empty())?;
            match self.peek()? {
                Token::FlowSequenceEnd => break,
                Token::Key => items.push(self.single_pair()?),
                _ => items.push(self.node(Site::Flow)?),
            }
        }
        self.skip();
        Ok(self.close_flow(at, head, Shape::List(items)))
    }

    /// A map of one pair, as an entry of a list in brackets.
    fn single_pair(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        let at = self.line();
        self.skip();
        let key = match self.peek()? {
            Token::Value | Token::FlowEntry | Token::FlowSequenceEnd => self.nothing(None),
            _ => self.node(Site::Flow)?,
        };
        let value = self.flow_value()?;
        inherit_foot(&value, &key);
        Ok(bare(at, Lines::new(), Shape::Map(vec![(key, value)])))
    }

    /// A map in braces.
    fn flow_map(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.pending).head;
        let mut pairs = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::FlowMappingEnd) {
            self.flow_separator(pairs.is_empty())?;
            let (key, value) = match self.peek()? {
                Token::FlowMappingEnd => break,
                Token::Key => self.flow_pair()?,
                _ => (self.node(Site::Flow)?, self.nothing(None)),
            };
            inherit_foot(&value, &key);
            pairs.push((key, value));
        }
        self.skip();
        Ok(self.close_flow(at, head, Shape::Map(pairs)))
    }

    /// A key with its mark, and its value.
    fn flow_pair(&mut self) -> Result<(Rc<Node<'a>>, Rc<Node<'a>>), ParseError> {
        self.skip();
        let key = match self.peek()? {
            Token::Value | Token::FlowEntry | Token::FlowMappingEnd => self.nothing(None),
            _ => self.node(Site::Flow)?,
        };
        Ok((key, self.flow_value()?))
    }

    /// What stands behind a key in brackets or braces.
    fn flow_value(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        if matches!(self.peek()?, Token::Value) {
            self.skip();
            let ends = matches!(
                self.peek()?,
                Token::FlowEntry | Token::FlowSequenceEnd | Token::FlowMappingEnd
            );
            if !ends {
                return self.node(Site::Flow);
            }
        }
        Ok(self.nothing(None))
    }

    /// The `,` before all entries but the first.
    fn flow_separator(&mut self, first: bool) -> Result<(), ParseError> {
        if first {
            return Ok(());
        }
        if !matches!(self.peek()?, Token::FlowEntry) {
            return self.fail("a ',' or the closing bracket is missing");
        }
        self.skip();
        Ok(())
    }

    /// A collection in brackets or braces takes the comments at its end.
    fn close_flow(&mut self, at: usize, head: Lines<'a>, shape: Shape<'a>) -> Rc<Node<'a>> {
        let Pending { line, foot, .. } = mem::take(&mut self.pending);
        let foot = RefCell::new(foot);
        Rc::new(Node {
            at,
            shape,
            head,
            line,
            foot,
        })
    }
}

/// What is said where [`MOST_NESTED`] is exceeded.
pub(super) fn too_deep() -> String {
    format!("collections are nested more than {MOST_NESTED} levels deep")
}

/// A node that takes no pending comments.
fn bare<'a>(at: usize, head: Lines<'a>, shape: Shape<'a>) -> Rc<Node<'a>> {
    let (line, foot) = (Lines::new(), RefCell::default());
    Rc::new(Node {
        at,
        shape,
        head,
        line,
        foot,
    })
}

/// What stands below a key of a block map turned out to stand below the pair `above`.
fn move_foot<'a>(key: &Node<'a>, above: &Node<'a>) {
    let foot = key.foot.take();
    if !foot.is_empty() {
        above.foot.replace(foot);
    }
}

/// What stands below a value stands below its key.
fn inherit_foot<'a>(value: &Node<'a>, key: &Node<'a>) {
    if key.foot.borrow().is_empty() {
        key.foot.replace(value.foot.take());
    }
}
