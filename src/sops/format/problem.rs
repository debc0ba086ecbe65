//! Why a text is not of its format, and why a tree cannot be written in one.

use thiserror::Error;

/// Why a text is not of its format. Says where, never what stands there: a sops file may hold unencrypted values.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ParseError {
    /// The line, from 1, where the format lets us tell.
    pub line: Option<usize>,
    /// What is wrong there, lower case, no full stop.
    pub problem: String,
    /// Its kind.
    pub flaw: Flaw,
}

/// Kinds of mistakes in a text, by what is to be done about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// The text breaks the grammar.
    #[default]
    Grammar,
    /// A key is there twice.
    RepeatedKey,
    /// The section that sops writes is there twice.
    RepeatedSection,
    /// A document is a list or a single value.
    NotAMap,
    /// Something follows behind the end of the document.
    Trailing,
}

/// Why a decrypted tree cannot be written in a format.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EmitError(pub String);
