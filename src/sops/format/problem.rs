//! Why a text is not of its format or no sops file, and why a tree cannot be written in a format.

use thiserror::Error;

/// Why a text is not of its format. The message names the place and never quotes the text, because a sops file may hold
/// unencrypted values.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ParseError {
    /// The line, from 1; `None` if it is not known.
    pub line: Option<usize>,
    /// What is wrong there, in lower case and without a full stop.
    pub problem: String,
    /// The kind of the mistake.
    pub flaw: Flaw,
}

/// Why a text is not a sops file.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct SopsFileError {
    /// What is wrong, in lower case and without a full stop.
    pub problem: String,
    /// The kind of the mistake.
    pub flaw: Flaw,
}

impl SopsFileError {
    /// A mistake in the metadata that has no remedy of its own.
    pub(crate) fn metadata(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            flaw: Flaw::Metadata,
        }
    }
}

/// Kinds of mistakes in a text, which differ in their remedy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// The text breaks the grammar.
    #[default]
    Grammar,
    /// A key is there twice.
    RepeatedKey,
    /// The section `sops` is there twice.
    RepeatedSection,
    /// A document is a list or a single value.
    NotAMap,
    /// There is text behind the end of the document.
    Trailing,
    /// There is no section `sops`, so sops did not encrypt the file.
    NoSection,
    /// A selection rule is a pattern that takes too much time or memory.
    Pattern,
    /// The metadata has more recipient entries than anybody needs.
    TooManyKeys,
    /// The metadata cannot be used for another reason.
    Metadata,
}

/// Why a decrypted tree cannot be written in a format.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EmitError(pub String);
