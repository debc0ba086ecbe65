//! Reads lists and maps: those that are written by indentation (block), and those in brackets (flow).

use std::{mem, rc::Rc};

use super::{
    compose::{Composer, NodeSite},
    node::{Comments, Node, Pair, Shape, inherit_foot, move_foot},
    scanner::Lines,
    token::Token,
};
use crate::sops::format::problem::ParseError;

impl<'a> Composer<'a> {
    /// Reads a YAML list that is written by indentation.
    pub(crate) fn block_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
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
        let comments = Comments {
            head,
            ..Comments::default()
        };
        Ok(Node::new(at, Shape::List(items), comments))
    }

    /// Reads a list whose entries start in the same column as the keys of the map around the list.
    pub(crate) fn indentless_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let mut items = Vec::new();
        while matches!(self.peek()?, Token::BlockEntry) {
            items.push(self.entry()?);
        }
        Ok(Node::new(at, Shape::List(items), Comments::default()))
    }

    /// Reads one entry of a list that is written by indentation.
    fn entry(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        let above = self.pending.head.len();
        self.skip();
        let starts_block = matches!(self.peek()?, Token::BlockSequenceStart | Token::BlockMappingStart);
        // A comment above a `-` belongs to the whole collection that starts behind the `-`, not to the first entry in this
        // collection.
        if above > 0 && starts_block {
            let rest = self.pending.head.split_off(above.min(self.pending.head.len()));
            self.stem = mem::replace(&mut self.pending.head, rest);
        }
        self.block_node(NodeSite::Block, true)
    }

    /// Reads a node of a block collection. Returns an empty scalar if the node is left out.
    fn block_node(&mut self, site: NodeSite, in_list: bool) -> Result<Rc<Node<'a>>, ParseError> {
        match self.peek()? {
            Token::BlockEntry if in_list => Ok(self.nothing(None)),
            Token::Key | Token::Value | Token::BlockEnd => Ok(self.nothing(None)),
            _ => self.node(site),
        }
    }

    /// Reads a YAML map that is written by indentation.
    pub(crate) fn block_map(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.stem);
        let mut pairs: Vec<Pair<'a>> = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::BlockEnd) {
            if !matches!(self.peek()?, Token::Key) {
                return self.fail("a key is missing");
            }
            self.skip();
            let key = self.block_node(NodeSite::BlockMap, false)?;
            if let Some((above, _)) = pairs.last() {
                move_foot(&key, above);
            }
            let value = self.block_value()?;
            inherit_foot(&value, &key);
            pairs.push((key, value));
        }
        self.skip();
        let mut comments = Comments {
            head,
            ..mem::take(&mut self.pending)
        };
        if let Some((last, _)) = pairs.last().filter(|_| !comments.foot.is_empty()) {
            last.foot.replace(mem::take(&mut comments.foot));
        }
        Ok(Node::new(at, Shape::Map(pairs), comments))
    }

    /// Reads the value behind a key of a block map. Returns an empty scalar if the value is left out.
    fn block_value(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        if !matches!(self.peek()?, Token::Value) {
            return Ok(self.nothing(None));
        }
        self.skip();
        self.block_node(NodeSite::BlockMap, false)
    }

    /// Reads a YAML list in brackets: `[…]`.
    pub(crate) fn flow_list(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.pending).head;
        let mut items = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::FlowSequenceEnd) {
            self.flow_separator(items.is_empty())?;
            match self.peek()? {
                Token::FlowSequenceEnd => break,
                Token::Key => items.push(self.single_pair()?),
                _ => items.push(self.node(NodeSite::Flow)?),
            }
        }
        self.skip();
        Ok(self.close_flow(at, head, Shape::List(items)))
    }

    /// Reads a map of one pair without braces, which is an entry of a list in brackets: `[key: value]`.
    fn single_pair(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        let at = self.line();
        self.skip();
        let key = match self.peek()? {
            Token::Value | Token::FlowEntry | Token::FlowSequenceEnd => self.nothing(None),
            _ => self.node(NodeSite::Flow)?,
        };
        let value = self.flow_value()?;
        inherit_foot(&value, &key);
        let shape = Shape::Map(vec![(key, value)]);
        Ok(Node::new(at, shape, Comments::default()))
    }

    /// Reads a YAML map in braces: `{…}`.
    pub(crate) fn flow_map(&mut self, at: usize) -> Result<Rc<Node<'a>>, ParseError> {
        let head = mem::take(&mut self.pending).head;
        let mut pairs = Vec::new();
        self.skip();
        while !matches!(self.peek()?, Token::FlowMappingEnd) {
            self.flow_separator(pairs.is_empty())?;
            let (key, value) = match self.peek()? {
                Token::FlowMappingEnd => break,
                Token::Key => self.flow_pair()?,
                _ => (self.node(NodeSite::Flow)?, self.nothing(None)),
            };
            inherit_foot(&value, &key);
            pairs.push((key, value));
        }
        self.skip();
        Ok(self.close_flow(at, head, Shape::Map(pairs)))
    }

    /// Reads a key with its mark, and its value, inside braces.
    fn flow_pair(&mut self) -> Result<Pair<'a>, ParseError> {
        self.skip();
        let key = match self.peek()? {
            Token::Value | Token::FlowEntry | Token::FlowMappingEnd => self.nothing(None),
            _ => self.node(NodeSite::Flow)?,
        };
        Ok((key, self.flow_value()?))
    }

    /// Reads the value behind a key inside brackets or braces. Returns an empty scalar if the value is left out.
    fn flow_value(&mut self) -> Result<Rc<Node<'a>>, ParseError> {
        if matches!(self.peek()?, Token::Value) {
            self.skip();
            let ends = matches!(
                self.peek()?,
                Token::FlowEntry | Token::FlowSequenceEnd | Token::FlowMappingEnd
            );
            if !ends {
                return self.node(NodeSite::Flow);
            }
        }
        Ok(self.nothing(None))
    }

    /// Reads the `,` between two entries inside brackets or braces. No `,` is before the first entry.
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

    /// Makes the node of a collection in brackets or braces. The node takes the comments at the end of the collection.
    fn close_flow(&mut self, at: usize, head: Lines<'a>, shape: Shape<'a>) -> Rc<Node<'a>> {
        let end = mem::take(&mut self.pending);
        Node::new(at, shape, Comments { head, ..end })
    }
}
