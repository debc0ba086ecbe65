//! The nodes of a YAML document, before their values are known.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use super::scanner::Lines;
use crate::sops::format::yaml::resolve::Tag;

/// A node of a YAML document, with its comments.
pub(crate) struct Node<'a> {
    /// The line on which the YAML node starts, counted from 1.
    pub(crate) at: usize,
    /// How many levels of nodes are below this YAML node, with aliases expanded.
    pub(crate) height: usize,
    /// The content of the YAML node.
    pub(crate) shape: Shape<'a>,
    pub(crate) head: Lines<'a>,
    pub(crate) line: Lines<'a>,
    /// The comments on the lines below the YAML node. These comments may move to a neighbour while the map around the node is
    /// read.
    pub(crate) foot: RefCell<Lines<'a>>,
}

/// A key of a YAML map and its value.
pub(crate) type Pair<'a> = (Rc<Node<'a>>, Rc<Node<'a>>);

/// The content of a YAML node: a scalar, a list, a map or an alias.
pub(crate) enum Shape<'a> {
    Scalar {
        text: Cow<'a, str>,
        /// Whether the scalar was written without quotes and not as a block.
        plain: bool,
        tag: Option<Tag>,
    },
    List(Vec<Rc<Node<'a>>>),
    Map(Vec<Pair<'a>>),
    /// A YAML alias, with the node that the alias stands for.
    Alias(Rc<Node<'a>>),
}

/// A YAML document: its root node, and the comments above and below the root.
pub(crate) struct Document<'a> {
    pub(crate) root: Rc<Node<'a>>,
    pub(crate) head: Lines<'a>,
    pub(crate) foot: Lines<'a>,
}

/// The comments above, behind and below a YAML node.
#[derive(Default)]
pub(crate) struct Comments<'a> {
    pub(crate) head: Lines<'a>,
    pub(crate) line: Lines<'a>,
    pub(crate) foot: Lines<'a>,
}

impl<'a> Node<'a> {
    /// A YAML node that starts on line `at`, counted from 1.
    pub(crate) fn new(at: usize, shape: Shape<'a>, comments: Comments<'a>) -> Rc<Self> {
        Rc::new(Self {
            at,
            height: shape.height(),
            shape,
            head: comments.head,
            line: comments.line,
            foot: RefCell::new(comments.foot),
        })
    }
}

impl Shape<'_> {
    fn height(&self) -> usize {
        let inside = match self {
            Self::Scalar { .. } => None,
            Self::Alias(target) => Some(target.height),
            Self::List(items) => items.iter().map(|item| item.height).max(),
            Self::Map(pairs) => {
                let heights = pairs.iter().map(|(key, value)| key.height.max(value.height));
                heights.max()
            }
        };
        inside.map_or(0, |height| height + 1)
    }
}

/// Moves the comments in `key.foot` to `above`, the key of the previous pair in the block map. In the text, these comments stand
/// below the previous pair.
pub(crate) fn move_foot<'a>(key: &Node<'a>, above: &Node<'a>) {
    let foot = key.foot.take();
    if !foot.is_empty() {
        above.foot.replace(foot);
    }
}

/// Moves the comments below a value to its key, unless the key already has comments below it.
pub(crate) fn inherit_foot<'a>(value: &Node<'a>, key: &Node<'a>) {
    if key.foot.borrow().is_empty() {
        key.foot.replace(value.foot.take());
    }
}
