//! Turns a decrypted tree into YAML nodes, and decides with which node each comment is printed.

use std::mem;

use super::spell::{self, Scalar};
use crate::sops::{
    format::problem::EmitError,
    tree::{Branch, Comment, Key, Opened, ScalarType, Value},
};

/// The texts of YAML comments, each without its `#`.
pub(crate) type CommentTexts<'t> = Vec<&'t [u8]>;

/// A YAML node, with the comments that are printed with the node.
pub(crate) struct PrintedNode<'t> {
    /// The content of the YAML node.
    pub(crate) shape: PrintedShape<'t>,
    /// The comments on the lines above the YAML node.
    pub(crate) head: CommentTexts<'t>,
    /// The comments behind the YAML node, on the same line.
    pub(crate) line: CommentTexts<'t>,
    /// The comments on the lines below the YAML node.
    pub(crate) foot: CommentTexts<'t>,
}

/// The content of a YAML node: a scalar, a list or a map.
pub(crate) enum PrintedShape<'t> {
    Scalar(Scalar<'t>),
    List(Vec<PrintedNode<'t>>),
    Map(Vec<(PrintedNode<'t>, PrintedNode<'t>)>),
}

/// Comments that wait to be printed with the next node of their collection.
#[derive(Default)]
struct Waiting<'t> {
    head: CommentTexts<'t>,
    line: CommentTexts<'t>,
}

impl<'t> Waiting<'t> {
    fn push(&mut self, comment: &'t Comment<Opened>) {
        let texts = if comment.inline { &mut self.line } else { &mut self.head };
        texts.push(comment.text.expose());
    }

    /// The waiting comments at the end of a collection, where no node follows.
    fn rest(self) -> CommentTexts<'t> {
        [self.head, self.line].concat()
    }
}

impl<'t> PrintedNode<'t> {
    fn new(shape: PrintedShape<'t>, head: CommentTexts<'t>, line: CommentTexts<'t>) -> Self {
        let foot = CommentTexts::new();
        Self { shape, head, line, foot }
    }
}

/// Turns a document into its root node, which takes the strings out of the document.
///
/// # Errors
/// When a key is not a string.
pub(crate) fn document(value: &mut Value<Opened>) -> Result<PrintedNode<'_>, EmitError> {
    node(value, CommentTexts::new(), CommentTexts::new())
}

/// Turns a value into a node. `head` holds the comments above the node, and `line` holds the comments behind the node. The
/// function may recurse, because every parser limits the depth of its tree.
fn node<'t>(value: &'t mut Value<Opened>, head: CommentTexts<'t>, line: CommentTexts<'t>) -> Result<PrintedNode<'t>, EmitError> {
    match value {
        Value::Null => Ok(PrintedNode::new(PrintedShape::Scalar(spell::null()), head, line)),
        Value::Scalar(ScalarType::Text, text) => {
            let scalar = spell::opened(mem::take(text));
            Ok(PrintedNode::new(PrintedShape::Scalar(scalar), head, line))
        }
        Value::Scalar(kind, text) => {
            let scalar = spell::scalar(*kind, text.expose());
            Ok(PrintedNode::new(PrintedShape::Scalar(scalar), head, line))
        }
        Value::Comment(comment) => Ok(PrintedNode::new(comment_value(comment), head, line)),
        Value::List(values) => list(values, head, line),
        Value::Map(branch) => map(branch, head, line),
    }
}

/// Turns a map into a node, with the comments in these places:
///
/// - Comments after the last pair are printed below this pair.
/// - Comments that are inline are printed behind the value of the pair that follows.
/// - All other comments before the first pair are printed above the map.
/// - All other comments between two pairs are printed above the second pair.
/// - All comments in a map without pairs count as comments above the map.
fn map<'t>(
    branch: &'t mut Branch<Opened>,
    mut head: CommentTexts<'t>,
    line: CommentTexts<'t>,
) -> Result<PrintedNode<'t>, EmitError> {
    let mut waiting = Waiting::default();
    let mut pairs: Vec<(PrintedNode<'t>, PrintedNode<'t>)> = Vec::with_capacity(branch.items.len());
    for item in &mut branch.items {
        let name = match &item.key {
            Key::Name(name) => name,
            Key::Comment(comment) => {
                waiting.push(comment);
                continue;
            }
            Key::Other(kind) => return Err(EmitError(format!("a key is {kind}, not a string"))),
        };
        if pairs.is_empty() {
            head.append(&mut waiting.head);
        }
        let Waiting { head, line } = mem::take(&mut waiting);
        let key = PrintedNode::new(PrintedShape::Scalar(spell::text(name)), head, CommentTexts::new());
        pairs.push((key, node(&mut item.value, CommentTexts::new(), line)?));
    }
    match pairs.last_mut() {
        Some((key, _)) => key.foot = waiting.rest(),
        None => head.extend(waiting.rest()),
    }
    Ok(PrintedNode::new(PrintedShape::Map(pairs), head, line))
}

/// Turns a list into a node. Comments get their places as in [`map`], with list entries instead of pairs.
fn list<'t>(
    values: &'t mut [Value<Opened>],
    mut head: CommentTexts<'t>,
    line: CommentTexts<'t>,
) -> Result<PrintedNode<'t>, EmitError> {
    let mut waiting = Waiting::default();
    let mut nodes: Vec<PrintedNode<'t>> = Vec::with_capacity(values.len());
    for value in values {
        if let Value::Comment(comment) = value {
            waiting.push(comment);
            continue;
        }
        if nodes.is_empty() {
            head.append(&mut waiting.head);
        }
        let Waiting { head, line } = mem::take(&mut waiting);
        nodes.push(node(value, head, line)?);
    }
    match nodes.last_mut() {
        Some(node) => node.foot = waiting.rest(),
        None => head.extend(waiting.rest()),
    }
    Ok(PrintedNode::new(PrintedShape::List(nodes), head, line))
}

/// The node for a comment in the place of a map value. As in sops, this node is a map with the keys `value` and `inline`.
fn comment_value(comment: &Comment<Opened>) -> PrintedShape<'_> {
    let pair = |name: &'static str, value| {
        let key = PrintedShape::Scalar(spell::text(name.as_bytes()));
        let [key, value] =
            [key, PrintedShape::Scalar(value)].map(|shape| PrintedNode::new(shape, CommentTexts::new(), CommentTexts::new()));
        (key, value)
    };
    PrintedShape::Map(vec![
        pair("value", spell::text(comment.text.expose())),
        pair("inline", spell::boolean(comment.inline)),
    ])
}
