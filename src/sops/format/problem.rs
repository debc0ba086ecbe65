//! The errors of the formats: why a text is not valid or is no sops file, and why a tree cannot be written.

use thiserror::Error;

/// Why a text is not valid in its format. The message names the line, and may quote a name, such as the name of a key or an anchor.
/// The message never quotes a value, because a sops file may hold unencrypted values.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ParseError {
    /// The line of the problem, counted from 1; `None` if the line is not known.
    pub line: Option<usize>,
    /// The problem in words, in lower case and without a full stop.
    pub problem: String,
    /// The kind of the problem, which decides the remedy.
    pub flaw: Flaw,
}

/// Why a text cannot be read as a sops file.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct SopsFileError {
    /// The problem in words, in lower case and without a full stop.
    pub problem: String,
    /// The kind of the problem, which decides the remedy.
    pub flaw: Flaw,
}

impl SopsFileError {
    /// The error for a problem in the metadata that has no remedy of its own.
    pub(crate) fn metadata(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            flaw: Flaw::Metadata,
        }
    }
}

/// The kinds of problems in a text. Each kind has its own remedy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// The text breaks the grammar of the format.
    #[default]
    Grammar,
    /// A key occurs twice in a map of the file.
    RepeatedKey,
    /// The section `sops` at the root of a document occurs twice, or a key in the metadata of a dotenv or INI file occurs twice.
    RepeatedSection,
    /// A document is a list or a single value, not a map.
    NotAMap,
    /// There is text after the end of the document.
    Trailing,
    /// The file has no section `sops`, so the file was not encrypted by sops.
    NoSection,
    /// The pattern of a selection rule takes too much time or memory.
    Pattern,
    /// The metadata has more recipient entries than anybody needs.
    TooManyKeys,
    /// The metadata cannot be used for any other reason.
    Metadata,
}

/// Why a decrypted tree cannot be written in a format. The string is the error message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EmitError(pub String);
