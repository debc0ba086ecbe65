//! Turns YAML nodes into the tree: gives scalars their values, expands aliases, and puts comments into their places.

use std::{borrow::Cow, collections::HashMap, rc::Rc};

use super::node::{Document, Node, Pair, Shape};
use crate::sops::{
    format::{
        limits::{FLOAT_UNIT, MOST_VALUES, TOO_MANY},
        problem::{Flaw, ParseError},
        yaml::resolve,
    },
    tree::{Branch, Comment, Item, Key, ScalarType, Stored, Value, shown},
};

/// Limit: aliases may add at most this many bytes (16 MiB) to a tree. A node or a comment counts as many bytes as its text has,
/// plus [`NODE_COST`]. Real files stay far below the limit, and this much memory does no harm.
const ALIAS_BUDGET: usize = 16 << 20;
/// The approximate memory that a node or a comment takes, in bytes.
const NODE_COST: usize = 64;

/// A converter, which turns the documents of a file into branches of the tree.
pub(crate) struct Converter {
    /// Whether the current document is the first. As in sops, only the first document is checked for repeated keys, and for
    /// values that do not fit their tags.
    strict: bool,
    /// How many aliases are being expanded, one inside another.
    inside_aliases: usize,
    /// How many bytes of [`ALIAS_BUDGET`] are left.
    budget: usize,
    /// How many values the file may still have. Only long floats are counted here: each counts as several values.
    left: usize,
}

impl Converter {
    /// A converter before the first YAML document.
    pub(crate) fn new() -> Self {
        Self {
            strict: true,
            inside_aliases: 0,
            budget: ALIAS_BUDGET,
            left: MOST_VALUES,
        }
    }

    /// Converts the next document. An empty document becomes a branch without items. A root that is a list or a scalar is an
    /// error.
    pub(crate) fn document<'a>(&mut self, document: &Document<'a>) -> Result<Branch<Stored<'a>>, ParseError> {
        let mut items: Vec<_> = comment_items(&document.head, false).collect();
        self.root(&document.root, &mut items)?;
        items.extend(comment_items(&document.foot, false));
        self.strict = false;
        Ok(Branch { items })
    }

    /// Converts the root of a document, and appends its pairs and comments to `items`.
    fn root<'a>(&mut self, node: &Node<'a>, items: &mut Vec<Item<Stored<'a>>>) -> Result<(), ParseError> {
        match &node.shape {
            Shape::Map(pairs) => {
                self.refuse_repeated_keys(pairs, Flaw::RepeatedSection)?;
                items.extend(self.branch(node, pairs, false)?.items);
            }
            Shape::List(_) => return Err(fail_for(Flaw::NotAMap, node, "a document must be a map, not a list")),
            Shape::Scalar { text, plain, tag } => match resolve::value(text, *plain, *tag) {
                Ok(Value::Null) => items.extend(comments_above(node)),
                _ => return Err(fail_for(Flaw::NotAMap, node, "a document must be a map, not a single value")),
            },
            Shape::Alias(target) => {
                items.extend(comments_above(node));
                self.inside_alias(|converter| converter.root(target, items))?;
                items.extend(comment_items(&node.foot.borrow(), false));
            }
        }
        Ok(())
    }

    /// Converts a node. The function may recurse, because the composer limits the depth of nodes. `placed` says whether the
    /// comments of the node already have their place in the collection around the node.
    fn value<'a>(&mut self, node: &Node<'a>, placed: bool) -> Result<Value<Stored<'a>>, ParseError> {
        self.charge(node)?;
        Ok(match &node.shape {
            Shape::Scalar { text, plain, tag } => match resolve::value(text, *plain, *tag) {
                Err(problem) if self.strict => return Err(fail(node, problem)),
                value => self.counted(node, value.unwrap_or(Value::Null))?,
            },
            Shape::List(nodes) => Value::List(self.list(node, nodes, placed)?),
            Shape::Map(pairs) => {
                self.refuse_repeated_keys(pairs, Flaw::RepeatedKey)?;
                Value::Map(self.branch(node, pairs, placed)?)
            }
            Shape::Alias(target) => self.inside_alias(|converter| converter.value(target, false))?,
        })
    }

    fn list<'a>(&mut self, node: &Node<'a>, nodes: &[Rc<Node<'a>>], placed: bool) -> Result<Vec<Value<Stored<'a>>>, ParseError> {
        let mut items = Vec::with_capacity(nodes.len());
        if !placed {
            items.extend(comments(&node.head, false).map(Value::Comment));
            items.extend(comments(&node.line, false).map(Value::Comment));
        }
        for item in nodes {
            items.extend(comments(&item.head, false).map(Value::Comment));
            items.extend(comments(&item.line, true).map(Value::Comment));
            items.push(self.value(item, true)?);
            items.extend(comments(&item.foot.borrow(), false).map(Value::Comment));
        }
        if !placed {
            items.extend(comments(&node.foot.borrow(), false).map(Value::Comment));
        }
        Ok(items)
    }

    /// Fails if two keys of a map have the same text. `of_sops` is the flaw if this text is `sops`, the name of the section with
    /// the metadata. An entry of this name is the section only at the root of a document.
    fn refuse_repeated_keys(&self, pairs: &[Pair<'_>], of_sops: Flaw) -> Result<(), ParseError> {
        let mut lines: HashMap<&str, usize> = HashMap::with_capacity(pairs.len());
        for (key, _) in pairs.iter().filter(|_| self.strict) {
            if let Shape::Scalar { text, .. } = &key.shape
                && let Some(line) = lines.insert(text, key.at)
            {
                let problem = format!("the key \"{}\" is already defined at line {line}", shown(text.as_bytes()));
                let flaw = if text == "sops" { of_sops } else { Flaw::RepeatedKey };
                return Err(fail_for(flaw, key, problem));
            }
        }
        Ok(())
    }

    fn branch<'a>(&mut self, node: &Node<'a>, pairs: &[Pair<'a>], placed: bool) -> Result<Branch<Stored<'a>>, ParseError> {
        let mut items = Vec::with_capacity(pairs.len());
        if !placed {
            items.extend(comments_above(node));
        }
        for (key, value) in pairs {
            self.pair(key, value, &mut items)?;
        }
        if !placed {
            items.extend(comment_items(&node.foot.borrow(), false));
        }
        Ok(Branch { items })
    }

    /// Converts a key and its value, with the comments around both. If the value is a list or map, its comments go inside the
    /// list or map.
    fn pair<'a>(&mut self, key: &Node<'a>, value: &Node<'a>, items: &mut Vec<Item<Stored<'a>>>) -> Result<(), ParseError> {
        let placed = matches!(value.shape, Shape::Scalar { .. } | Shape::Alias(_));
        items.extend(comments_above(key));
        if placed {
            items.extend(comment_items(&value.head, false));
            items.extend(comment_items(&value.line, true));
        }
        items.push(Item {
            key: self.key(key)?,
            value: self.value(value, placed)?,
        });
        if placed {
            items.extend(comment_items(&value.foot.borrow(), false));
        }
        items.extend(comment_items(&key.foot.borrow(), false));
        Ok(())
    }

    /// Converts a key. A key that is not a string becomes the name of its type.
    fn key<'a>(&mut self, node: &Node<'a>) -> Result<Key<Stored<'a>>, ParseError> {
        Ok(match self.value(node, true)? {
            Value::Scalar(ScalarType::Text, text) => Key::Name(text.into_owned()),
            other => Key::Other(other.type_name()),
        })
    }

    /// Runs `convert` on the target of an alias. All nodes that are converted meanwhile count against [`ALIAS_BUDGET`].
    fn inside_alias<T>(&mut self, convert: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        self.inside_aliases += 1;
        let result = convert(self);
        self.inside_aliases -= 1;
        result
    }

    /// Counts a long float against the limit of values, by the length of its text. The scanner has already counted every scalar
    /// once, as a token.
    fn counted<'a>(&mut self, node: &Node<'_>, value: Value<Stored<'a>>) -> Result<Value<Stored<'a>>, ParseError> {
        if let Value::Scalar(ScalarType::Float, text) = &value {
            let left = self.left.checked_sub(text.len() / FLOAT_UNIT);
            self.left = left.ok_or_else(|| fail(node, TOO_MANY))?;
        }
        Ok(value)
    }

    /// Counts a node against [`ALIAS_BUDGET`] if an alias is being expanded.
    fn charge(&mut self, node: &Node<'_>) -> Result<(), ParseError> {
        if self.inside_aliases > 0 {
            let rest = self.budget.checked_sub(weight(node));
            self.budget = rest.ok_or_else(|| fail(node, "its aliases expand to more than 16 MiB"))?;
        }
        Ok(())
    }
}

fn fail(node: &Node<'_>, problem: impl Into<String>) -> ParseError {
    fail_for(Flaw::Grammar, node, problem)
}

fn fail_for(flaw: Flaw, node: &Node<'_>, problem: impl Into<String>) -> ParseError {
    ParseError {
        line: Some(node.at),
        problem: problem.into(),
        flaw,
    }
}

/// The number of bytes that a node counts against [`ALIAS_BUDGET`].
fn weight(node: &Node<'_>) -> usize {
    let text = match &node.shape {
        Shape::Scalar { text, .. } => text.len(),
        _ => 0,
    };
    let foot = node.foot.borrow();
    let comments = (node.head.iter()).chain(&node.line).chain(foot.iter());
    text + NODE_COST + comments.map(|line| line.len() + NODE_COST).sum::<usize>()
}

/// The comments in `lines`, each without its `#`. Blank lines are left out. `inline` says whether the comments stand behind a
/// value.
fn comments<'a>(lines: &[&'a str], inline: bool) -> impl Iterator<Item = Comment<Stored<'a>>> {
    let texts = lines.iter().filter_map(|line| line.strip_prefix('#'));
    texts.map(move |text| Comment {
        text: Cow::Borrowed(text.as_bytes()),
        inline,
    })
}

/// The comments in `lines`, as items of a map.
fn comment_items<'a>(lines: &[&'a str], inline: bool) -> impl Iterator<Item = Item<Stored<'a>>> {
    comments(lines, inline).map(|comment| Item {
        key: Key::Comment(comment),
        value: Value::Null,
    })
}

/// The comments above and behind a node, as items of a map.
fn comments_above<'a>(node: &Node<'a>) -> impl Iterator<Item = Item<Stored<'a>>> {
    comment_items(&node.head, false).chain(comment_items(&node.line, false))
}
