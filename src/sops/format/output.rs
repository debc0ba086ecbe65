//! Text in the making, of a bounded length.
//!
//! It is measured before it is written, so that it never moves: while a text moves it is in memory twice.
//!
//! A format may print much more than was read: a deep list in YAML has hundreds of blanks before each of its zeros, and INI pads all names
//! of a section to the length of the longest.

use super::problem::EmitError;
use crate::{
    sops::tree::{Branch, Key, Value},
    system::plaintext::Plaintext,
};

/// How many bytes are printed for each byte of names and values, at most. What sops prints has about two.
const BYTES_FOR_EACH: usize = 8;
/// How many in any case.
const FEW: usize = 16 << 20;

/// What `print` writes for these documents; `None` when that is longer than `most` bytes.
///
/// # Errors
/// When it is many times as long as what the documents hold, and those of `print`.
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

/// Text in the making, or its length alone. What is longer than it may be is left out.
pub(crate) struct Output {
    text: Plaintext,
    /// Whether the text is kept.
    keeps: bool,
    length: usize,
    left: usize,
    is_full: bool,
}

impl Output {
    /// For a single value.
    pub(crate) fn unlimited() -> Self {
        Self::new(Plaintext::default(), true, usize::MAX)
    }

    /// For the length of what may have so many bytes.
    fn measuring(left: usize) -> Self {
        Self::new(Plaintext::default(), false, left)
    }

    /// For a text of this length.
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

    /// Whether something was left out: what comes now is in vain.
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
            let problem = "printed as a whole it would be many times as long as what it holds; take single keys of it";
            return Err(EmitError(problem.to_owned()));
        }
        Ok(self.length)
    }
}

/// The bytes of names and values, and one for each place. No parser makes a tree without a limit to its depth.
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
