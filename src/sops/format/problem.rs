//! Why a text is not of its format, and why a tree cannot be written in one.

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
}

/// Why a decrypted tree cannot be written in a format.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EmitError(pub String);
