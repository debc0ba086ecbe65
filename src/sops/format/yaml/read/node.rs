//! What a document is made of before its values are resolved.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use super::scanner::Lines;
use crate::sops::format::yaml::resolve::Tag;

/// A node of a document, with its comments.
pub(crate) struct Node<'a> {
    /// The line on which it starts, from 1.
    pub(crate) at: usize,
    /// How many levels of nodes are below this one, aliases expanded.
    pub(crate) height: usize,
    pub(crate) shape: Shape<'a>,
    pub(crate) head: Lines<'a>,
    pub(crate) line: Lines<'a>,
    /// The comments below the node. They may move to a neighbour while the map around the node is read.
    pub(crate) foot: RefCell<Lines<'a>>,
}

/// A key and its value.
pub(crate) type Pair<'a> = (Rc<Node<'a>>, Rc<Node<'a>>);

/// What a node is.
pub(crate) enum Shape<'a> {
    Scalar {
        text: Cow<'a, str>,
        /// Whether it stood there without quotes and not as a block.
        plain: bool,
        tag: Option<Tag>,
    },
    List(Vec<Rc<Node<'a>>>),
    Map(Vec<Pair<'a>>),
    /// An alias, with the node that it stands for.
    Alias(Rc<Node<'a>>),
}

/// A document with the comments around its root.
pub(crate) struct Document<'a> {
    pub(crate) root: Rc<Node<'a>>,
    pub(crate) head: Lines<'a>,
    pub(crate) foot: Lines<'a>,
}

/// The comments around a node.
#[derive(Default)]
pub(crate) struct Comments<'a> {
    pub(crate) head: Lines<'a>,
    pub(crate) line: Lines<'a>,
    pub(crate) foot: Lines<'a>,
}

impl<'a> Node<'a> {
    /// A node that starts on line `at`.
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

/// Moves the comments below a key of a block map to the key of the pair `above` it, because they are below that pair.
pub(crate) fn move_foot<'a>(key: &Node<'a>, above: &Node<'a>) {
    let foot = key.foot.take();
    if !foot.is_empty() {
        above.foot.replace(foot);
    }
}

/// Moves the comments below a value to its key, unless the key has some.
pub(crate) fn inherit_foot<'a>(value: &Node<'a>, key: &Node<'a>) {
    if key.foot.borrow().is_empty() {
        key.foot.replace(value.foot.take());
    }
}
