//! Collects printed text, up to a limit of its length.
//!
//! Each text is printed twice: first to measure its length, then into a buffer of this length. So the buffer never grows. A
//! growing buffer would copy its text, and the text would be in memory twice. While the text is printed into the buffer, each value
//! is dropped as soon as it is printed. So a large value is not in memory beside its printed text, unless something else of the file
//! is still to be printed.
//!
//! A printed text may be much longer than the file that was read, so its length is limited. For example, YAML puts hundreds of
//! blanks before each element of a deep list. INI pads all names of a section to the length of the longest name.

use super::problem::EmitError;
use crate::{
    sops::tree::{Branch, Key, Opened, Value},
    system::plaintext::Plaintext,
};

/// Limit: for each byte of names and values, at most this many bytes are printed. Ordinary files need about two.
const BYTES_FOR_EACH: usize = 8;
/// This many bytes (16 MiB) may always be printed, in addition to the bytes for names and values. So a text of up to 16 MiB is
/// never too long for its contents.
const FEW: usize = 16 << 20;

/// The text that `print` writes for documents of the given [`size`]. Returns `None` if the text is longer than `most` bytes.
///
/// # Errors
/// When the text is many times as long as the names and values of the documents, even if it is not longer than `most`. Also when
/// `print` fails.
pub(crate) fn text(
    size: usize,
    most: usize,
    mut print: impl FnMut(Output) -> Result<Output, EmitError>,
) -> Result<Option<Plaintext>, EmitError> {
    let bound = size.saturating_mul(BYTES_FOR_EACH).saturating_add(FEW);
    let length = print(Output::measuring(bound))?.length()?;
    if length > most {
        return Ok(None);
    }
    print(Output::of(length)).map(|out| Some(out.text))
}

/// The text that was printed so far, or only its length. Text beyond the limit is left out.
pub(crate) struct Output {
    text: Plaintext,
    /// Whether the printed text is kept. If not, only its length is counted.
    keeps: bool,
    /// How many bytes of printed text were appended.
    length: usize,
    /// How many more bytes of printed text the limit allows.
    left: usize,
    /// Whether printed text was left out because of the limit.
    is_full: bool,
}

impl Output {
    /// An output that keeps its text and has no limit, for a single value.
    pub(crate) fn unlimited() -> Self {
        Self::new(Plaintext::default(), true, usize::MAX)
    }

    /// An output that measures a text of at most `left` bytes, and does not keep the text.
    fn measuring(left: usize) -> Self {
        Self::new(Plaintext::default(), false, left)
    }

    /// An output that keeps a printed text of exactly `length` bytes.
    fn of(length: usize) -> Self {
        Self::new(Plaintext::with_capacity(length), true, length)
    }

    fn new(text: Plaintext, keeps: bool, left: usize) -> Self {
        Self {
            text,
            keeps,
            length: 0,
            left,
            is_full: false,
        }
    }

    /// Appends bytes to the printed text. If the limit is exceeded, the bytes are left out.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self.left.checked_sub(bytes.len()) {
            Some(left) if !self.is_full => {
                self.left = left;
                self.length = self.length.saturating_add(bytes.len());
                if self.keeps {
                    self.text.push(bytes);
                }
            }
            _ => self.is_full = true,
        }
    }

    /// Appends `count` blanks to the printed text.
    pub(crate) fn pad(&mut self, count: usize) {
        const BLANKS: &[u8] = &[b' '; 64];
        if count > self.left {
            self.is_full = true;
            return;
        }
        for start in (0..count).step_by(BLANKS.len()) {
            self.push(BLANKS.get(..count - start).unwrap_or(BLANKS));
        }
    }

    /// Whether the text is only measured, and will be printed once more.
    pub(crate) fn only_measures(&self) -> bool {
        !self.keeps
    }

    /// Drops a value that was printed, unless the text was only measured.
    pub(crate) fn drop_printed(&self, value: &mut Value<Opened>) {
        if !self.only_measures() {
            *value = Value::Null;
        }
    }

    /// Whether text was left out because of the limit. Then all further text is left out, too.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The printed text.
    pub(crate) fn finish(self) -> Plaintext {
        self.text
    }

    /// The number of bytes that were appended. Fails if text was left out.
    fn length(&self) -> Result<usize, EmitError> {
        if self.is_full {
            let problem = "it would be printed many times as long as it is; use single keys of the file";
            return Err(EmitError(problem.to_owned()));
        }
        Ok(self.length)
    }
}

/// The bytes of all names, values and comments of the documents, and one byte for each value. The function may recurse, because
/// every parser limits the depth of its tree.
pub(crate) fn size(documents: &[Branch<Opened>]) -> usize {
    documents.iter().map(size_of_branch).sum()
}

fn size_of_branch(branch: &Branch<Opened>) -> usize {
    let sizes = branch.items.iter().map(|item| {
        let key = match &item.key {
            Key::Name(name) => name.len(),
            Key::Comment(comment) => comment.text.len(),
            Key::Other(_) => 0,
        };
        key + size_of_value(&item.value)
    });
    sizes.sum()
}

/// The same for a single value.
pub(crate) fn size_of_value(value: &Value<Opened>) -> usize {
    let size = match value {
        Value::Null => 0,
        Value::Scalar(_, text) => text.len(),
        Value::Comment(comment) => comment.text.len(),
        Value::List(values) => values.iter().map(size_of_value).sum(),
        Value::Map(branch) => size_of_branch(branch),
    };
    size + 1
}
