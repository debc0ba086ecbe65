//! From nodes to lines, in the order of sops, with each comment where sops puts it.

use std::mem;

use super::{
    arrange,
    arrange::{PrintedNode, PrintedShape},
    spell,
    spell::Scalar,
    write::YamlWriter,
};
use crate::{
    sops::{
        format::{output, output::Output, problem::EmitError},
        tree::{Branch, ScalarType},
    },
    system::plaintext::Plaintext,
};

/// Writes decrypted documents the way `sops decrypt` prints them; `None` when that is longer than `most` bytes.
///
/// The text equals what sops 3.13.2 prints to the byte, including comments that sops displaces or loses, except where that text
/// would not be read as the same value again:
///
/// - a string of several lines that begins with a tab, which sops prints as `null` (or not at all if a comment is behind it);
/// - a string of several lines that begins with a space or a line break and stands in a list or in a map in a list: sops prints an
///   indentation of `4` in the header where it is 2, which is not valid;
/// - a block with several comments behind its mark: sops prints the second comment inside the block. Here the value is in quotes;
/// - an empty list or map after a comment: sops prints it left of the key or entry that it belongs to;
/// - a comment with control characters or invalid UTF-8, which sops prints as they are, or panics: here they are replaced by
///   U+FFFD.
///
/// # Errors
/// When a key is not a string.
pub(crate) fn emit(documents: &[Branch<Plaintext>], most: usize) -> Result<Option<Plaintext>, EmitError> {
    let roots = documents.iter().map(arrange::document);
    let roots = roots.collect::<Result<Vec<_>, _>>()?;
    output::text(documents, most, |out| {
        let mut emitter = Emitter::new(out);
        for root in &roots {
            emitter.document(root);
        }
        Ok(emitter.writer.finish())
    })
}

/// Writes one value that is not a string, the way `sops decrypt --extract` prints it, without a line end.
pub(crate) fn emit_scalar(kind: ScalarType, text: &Plaintext) -> Plaintext {
    Plaintext::from(spell::scalar(kind, text.expose()).text().to_owned())
}

/// The most bytes of a key that is written without `?`.
pub(crate) const LONGEST_KEY: usize = 128;

/// Comments, each without its mark.
pub(crate) type WaitingComment<'n> = &'n [&'n [u8]];

/// Writes documents the way sops does.
///
/// A comment waits in one of these fields until the layout has a place for it. So some comments are written later than expected.
/// A comment that still waits when another takes its field is lost, as in sops.
pub(crate) struct Emitter<'n> {
    writer: YamlWriter,
    /// The comment to write above what comes next.
    head: WaitingComment<'n>,
    /// The comment to write behind what was written last.
    line: WaitingComment<'n>,
    /// The comment to write below what was written last.
    foot: WaitingComment<'n>,
    /// The comment to write below the previous pair.
    tail: WaitingComment<'n>,
    /// The comment that was still to be written behind something when a key began.
    key_line: WaitingComment<'n>,
    /// Whether a document was written.
    started: bool,
}

impl<'n> Emitter<'n> {
    /// At the beginning of `out`.
    fn new(out: Output) -> Self {
        Self {
            writer: YamlWriter::new(out),
            head: &[],
            line: &[],
            foot: &[],
            tail: &[],
            key_line: &[],
            started: false,
        }
    }

    /// Writes a document.
    fn document(&mut self, root: &'n PrintedNode<'n>) {
        if mem::replace(&mut self.started, true) {
            self.writer.indent();
            self.writer.indicator("---", true, false);
            self.writer.indent();
        }
        self.announce(root);
        self.write_head();
        self.node(root, false);
        self.writer.end_document();
        self.write_foot();
        self.writer.end_foot();
        self.writer.indent();
    }

    /// Lets a comment wait in `place`, where it replaces one that still waits. An empty comment replaces nothing.
    fn wait(place: &mut WaitingComment<'n>, comment: WaitingComment<'n>) {
        if !comment.is_empty() {
            *place = comment;
        }
    }

    /// Lets the comments of a node wait that is about to be written; those of a collection only if they are above it.
    fn announce(&mut self, node: &'n PrintedNode<'n>) {
        Self::wait(&mut self.head, &node.head);
        if matches!(node.shape, PrintedShape::Scalar(_)) {
            self.announce_end(node);
        }
    }

    /// Takes the comments behind and below a node.
    fn announce_end(&mut self, node: &'n PrintedNode<'n>) {
        Self::wait(&mut self.line, &node.line);
        Self::wait(&mut self.foot, &node.foot);
    }

    fn write_head(&mut self) {
        let tail = mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.writer.comment_lines(tail);
            self.writer.begin_foot();
        }
        self.writer.comment_lines(mem::take(&mut self.head));
    }

    fn write_line(&mut self) {
        self.writer.comment_behind(mem::take(&mut self.line));
    }

    fn write_foot(&mut self) {
        let foot = mem::take(&mut self.foot);
        if !foot.is_empty() {
            self.writer.comment_lines(foot);
            self.writer.begin_foot();
        }
    }

    /// Writes a node that was announced. For a collection, the waiting comments behind and below come before its contents.
    fn node(&mut self, node: &'n PrintedNode<'n>, in_list: bool) {
        if let PrintedShape::Scalar(scalar) = &node.shape {
            self.scalar(scalar, in_list);
        }
        self.write_line();
        self.write_foot();
        match &node.shape {
            PrintedShape::Scalar(_) => {}
            PrintedShape::List(items) if items.is_empty() => self.empty_list(node, in_list),
            PrintedShape::Map(pairs) if pairs.is_empty() => self.empty_map(node, in_list),
            PrintedShape::List(items) => {
                let outer = self.writer.deepen(in_list);
                self.list(items);
                self.announce_end(node);
                self.writer.restore(outer);
            }
            PrintedShape::Map(pairs) => {
                let outer = self.writer.deepen(in_list);
                self.map(pairs);
                self.announce_end(node);
                self.write_head();
                self.writer.restore(outer);
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, in_list: bool) {
        self.line = self.writer.scalar(scalar, in_list, self.line);
    }

    fn list(&mut self, items: &'n [PrintedNode<'n>]) {
        for item in items {
            if self.writer.is_full() {
                return;
            }
            self.announce(item);
            self.write_head();
            self.writer.indent();
            self.writer.indicator("-", true, true);
            self.node(item, true);
        }
    }

    fn map(&mut self, pairs: &'n [(PrintedNode<'n>, PrintedNode<'n>)]) {
        for (key, value) in pairs {
            if self.writer.is_full() {
                return;
            }
            Self::wait(&mut self.head, &key.head);
            self.write_head();
            self.writer.indent();
            Self::wait(&mut self.key_line, mem::take(&mut self.line));
            self.key(key);
            self.announce(value);
            self.settle_key_line(value);
            self.node(value, false);
            self.tail = &key.foot;
        }
    }

    /// A key and the mark behind it.
    fn key(&mut self, key: &PrintedNode<'_>) {
        let PrintedShape::Scalar(scalar) = &key.shape else {
            return;
        };
        let length = scalar.tag.len() + scalar.text().len();
        if !scalar.multiline && length <= LONGEST_KEY {
            self.scalar(scalar, false);
            self.writer.indicator(":", false, false);
        } else {
            self.writer.indicator("?", true, true);
            self.scalar(scalar, false);
            self.writer.indent();
            self.writer.indicator(":", true, true);
        }
    }

    /// Finds a place for a comment that was waiting when the key began: behind a scalar, or before a collection, which starts on
    /// another line.
    fn settle_key_line(&mut self, value: &PrintedNode<'_>) {
        if !matches!(value.shape, PrintedShape::Scalar(_)) {
            self.writer.comment_behind(mem::take(&mut self.key_line));
        } else if self.line.is_empty() {
            self.line = mem::take(&mut self.key_line);
        }
    }

    fn empty_list(&mut self, node: &'n PrintedNode<'n>, in_list: bool) {
        self.writer.open_bracket("[", in_list);
        self.announce_end(node);
        self.writer.close_list();
        self.write_line();
        self.write_foot();
    }

    /// A map without pairs may have comments; they stand between the braces.
    fn empty_map(&mut self, node: &'n PrintedNode<'n>, in_list: bool) {
        self.writer.open_bracket("{", in_list);
        self.announce_end(node);
        let outer = self.writer.deepen_in_braces(in_list);
        self.write_head();
        self.writer.restore(outer);
        self.writer.indicator("}", false, false);
        self.write_line();
        self.write_foot();
    }
}
