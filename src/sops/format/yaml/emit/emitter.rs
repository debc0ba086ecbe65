//! Writes YAML nodes as lines of text. The order of the lines, and the place of each comment, are those of sops.

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
        tree::{Branch, Opened, ScalarType, Value},
    },
    system::plaintext::Plaintext,
};

/// Writes decrypted documents as `sops decrypt` prints them. Returns `None` if the text is longer than `most` bytes.
///
/// The text equals that of sops 3.13.2 to the byte, even where sops displaces or loses a comment. The exceptions are texts that
/// would not be read back as the same value:
///
/// - A string of several lines that begins with a tab: sops prints `null`, or nothing if a comment is behind the string.
/// - A string of several lines that begins with a space or a line break, inside a list: sops prints the indentation `4` in the
///   header of the block. The right indentation is 2, so the text of sops is not valid YAML.
/// - A block with several comments behind its mark: sops prints the second comment inside the block. Here the value is in
///   double quotes.
/// - An empty list or map after a comment: sops does not indent the list or map as deeply as its key or entry.
/// - A comment with control characters or invalid UTF-8: sops prints such bytes unchanged, or panics. Here they are replaced by
///   U+FFFD.
///
/// # Errors
/// When a key is not a string. Also when the text would be many times as long as the contents of the documents.
pub(crate) fn emit(documents: Vec<Branch<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    emit_values(documents.into_iter().map(Value::Map).collect(), most)
}

/// Writes values as documents, as `sops decrypt --extract` prints them. A string is a document too.
pub(crate) fn emit_values(mut values: Vec<Value<Opened>>, most: usize) -> Result<Option<Plaintext>, EmitError> {
    let size = values.iter().map(output::size_of_value).sum();
    let roots = values.iter_mut().map(arrange::document);
    let roots = roots.collect::<Result<Vec<_>, _>>()?;
    output::text(size, most, |out| {
        let mut emitter = Emitter::new(out);
        for root in &roots {
            emitter.document(root);
        }
        Ok(emitter.writer.finish())
    })
}

/// Writes one value that is not a string, as `sops decrypt --extract` prints it, but without a line end.
pub(crate) fn emit_scalar(kind: ScalarType, text: &Plaintext) -> Plaintext {
    Plaintext::from(spell::scalar(kind, text.expose()).text.take().as_str().to_owned())
}

/// A key that has more bytes than this is written with the mark `?`.
pub(crate) const LONGEST_KEY: usize = 128;

/// The texts of YAML comments that wait to be written, each without its `#`.
pub(crate) type WaitingComment<'n> = &'n [&'n [u8]];

/// A writer of YAML documents that lays the text out as sops does.
///
/// Comments wait in the fields of this struct until the layout has a place for them. So some comments are written later than a
/// reader may expect. As in sops, a waiting comment is lost if another comment takes its field.
pub(crate) struct Emitter<'n> {
    writer: YamlWriter,
    /// The comments to write above the next YAML node.
    head: WaitingComment<'n>,
    /// The comments to write behind the YAML node that was written last, on the same line.
    line: WaitingComment<'n>,
    /// The comments to write below the YAML node that was written last.
    foot: WaitingComment<'n>,
    /// The comments to write below the previous key and value of a YAML map.
    tail: WaitingComment<'n>,
    /// The comments that still waited in `line` when a key began.
    key_line: WaitingComment<'n>,
    /// Whether a YAML document was already written.
    started: bool,
}

impl<'n> Emitter<'n> {
    /// A YAML emitter at the beginning of `out`.
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

    /// Writes a document. A document that is not the first begins with `---`.
    fn document(&mut self, root: &'n PrintedNode<'_>) {
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

    /// Keeps a comment in the field `place`, to write it later. A comment that still waits in the field is replaced. An empty
    /// comment replaces nothing.
    fn wait(place: &mut WaitingComment<'n>, comment: WaitingComment<'n>) {
        if !comment.is_empty() {
            *place = comment;
        }
    }

    /// Keeps the comments of a node that is about to be written. For a list or map, only the comments above the node are kept here.
    /// Its other comments are written after its contents, so [`Emitter::announce_end`] keeps them.
    fn announce(&mut self, node: &'n PrintedNode<'_>) {
        Self::wait(&mut self.head, &node.head);
        if matches!(node.shape, PrintedShape::Scalar(_)) {
            self.announce_end(node);
        }
    }

    /// Keeps the comments behind and below a node, to write them after the node.
    fn announce_end(&mut self, node: &'n PrintedNode<'_>) {
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

    /// Writes a node whose comments were kept by [`Emitter::announce`]. For a list or map, the comments that wait in `line` and
    /// `foot` are written before the contents.
    fn node(&mut self, node: &'n PrintedNode<'_>, in_list: bool) {
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

    fn list(&mut self, items: &'n [PrintedNode<'_>]) {
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

    fn map(&mut self, pairs: &'n [(PrintedNode<'_>, PrintedNode<'_>)]) {
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

    /// Writes a key and the `:` behind it. A key that is long, or has several lines, gets a `?` before it.
    fn key(&mut self, key: &PrintedNode<'_>) {
        let PrintedShape::Scalar(scalar) = &key.shape else {
            return;
        };
        let length = scalar.tag.len() + scalar.length;
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

    /// Finds a place for the comments that were waiting when the key began. If the value is a list or map, these comments are
    /// written at once, because the list or map starts on the next line. If the value is a scalar, these comments are written
    /// behind the scalar. But if the scalar itself has a comment behind it, these comments go on waiting.
    fn settle_key_line(&mut self, value: &PrintedNode<'_>) {
        if !matches!(value.shape, PrintedShape::Scalar(_)) {
            self.writer.comment_behind(mem::take(&mut self.key_line));
        } else if self.line.is_empty() {
            self.line = mem::take(&mut self.key_line);
        }
    }

    /// Writes a list without entries, `[]`.
    fn empty_list(&mut self, node: &'n PrintedNode<'_>, in_list: bool) {
        self.writer.open_bracket("[", in_list);
        self.announce_end(node);
        self.writer.close_list();
        self.write_line();
        self.write_foot();
    }

    /// Writes a map without pairs, `{}`. Comments that still wait in `head` are written between the braces.
    fn empty_map(&mut self, node: &'n PrintedNode<'_>, in_list: bool) {
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
