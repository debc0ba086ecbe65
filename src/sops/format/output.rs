//! Collects printed text, up to a limit of its length.
//!
//! Each text is printed twice: first to measure it, then into a buffer of its length. So the buffer never grows. While a buffer
//! grows, its text is in memory twice.
//!
//! A printed text may be much longer than the file that was read: YAML puts hundreds of blanks before each element of a deep
//! list, and INI pads all names of a section to the length of the longest.

use super::problem::EmitError;
use crate::{
    sops::tree::{Branch, Key, Value},
    system::plaintext::Plaintext,
};

/// The most bytes that are printed for each byte of names and values. Ordinary files need about two.
const BYTES_FOR_EACH: usize = 8;
/// A text of up to this many bytes is never refused, however few names and values there are: 16 MiB.
const FEW: usize = 16 << 20;

/// The text that `print` writes for these documents; `None` if it is longer than `most` bytes.
///
/// # Errors
/// When the text is many times as long as the names and values of the documents, and when `print` fails.
pub(crate) fn text(
    documents: &[Branch<Plaintext>],
    most: usize,
    print: impl Fn(Output) -> Result<Output, EmitError>,
) -> Result<Option<Plaintext>, EmitError> {
    let size = documents.iter().map(size_of_branch).sum::<usize>();
    let bound = size.saturating_mul(BYTES_FOR_EACH).saturating_add(FEW);
    let length = print(Output::measuring(bound))?.length()?;
    if length > most {
        return Ok(None);
    }
    print(Output::of(length)).map(|out| Some(out.text))
}

/// The text that is being printed, or only its length. Text beyond the limit is left out.
pub(crate) struct Output {
    text: Plaintext,
    /// Whether the text is stored. If not, only its length is counted.
    keeps: bool,
    length: usize,
    left: usize,
    is_full: bool,
}

impl Output {
    /// Keeps the text without a limit, for a single value.
    pub(crate) fn unlimited() -> Self {
        Self::new(Plaintext::default(), true, usize::MAX)
    }

    /// Measures a text of at most `left` bytes, without keeping it.
    fn measuring(left: usize) -> Self {
        Self::new(Plaintext::default(), false, left)
    }

    /// Keeps a text of this length.
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

    /// Appends bytes.
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

    /// Appends blanks.
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

    /// Whether something was left out. Then all further text is left out, too.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// All that was appended.
    pub(crate) fn finish(self) -> Plaintext {
        self.text
    }

    /// How many bytes were appended.
    fn length(&self) -> Result<usize, EmitError> {
        if self.is_full {
            let problem = "printed as a whole it would be many times as long as its contents; take single keys of it";
            return Err(EmitError(problem.to_owned()));
        }
        Ok(self.length)
    }
}

/// The bytes of names, values and comments, and one for each value. It may recurse, because every parser limits the depth of its
/// tree.
fn size_of_branch(branch: &Branch<Plaintext>) -> usize {
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

fn size_of_value(value: &Value<Plaintext>) -> usize {
    let size = match value {
        Value::Null => 0,
        Value::Scalar(_, text) => text.len(),
        Value::Comment(comment) => comment.text.len(),
        Value::List(values) => values.iter().map(size_of_value).sum(),
        Value::Map(branch) => size_of_branch(branch),
    };
    size + 1
}
