//! The five file formats: text to tree, tree to text.

mod binary;
mod dotenv;
mod flat;
mod ini;
mod json;
mod output;
#[cfg(test)]
mod testing;
mod yaml;

use std::fmt;

pub use flat::FlatError;
pub(crate) use flat::{unflatten, with_line_feeds};
use thiserror::Error;

use super::tree::{Branch, Kind, Stored};
use crate::system::plaintext::{Content, Plaintext};

/// How a sops file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One or more YAML documents.
    Yaml,
    /// One JSON object.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// `[section]` and `key = value` lines.
    Ini,
    /// Any bytes, wrapped by sops in a JSON object.
    Binary,
}

/// The most values of a file, comments among them. In memory each takes a hundred times the two bytes that it can have in a file, and a
/// value that sops encrypted has 90.
const MOST_VALUES: usize = 2_000_000;
/// How many characters of a float count as another value: `5e-324` has 326 when it is written out, as it counts for the MAC.
const FLOAT_UNIT: usize = 32;
/// What is said of a file with more.
const TOO_MANY: &str = "it has millions of values, or very many extreme floats, more than a file of secrets can need";

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

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        })
    }
}

impl Format {
    /// Reads the encrypted file's text into its documents, the metadata still in its place.
    ///
    /// # Errors
    /// When the text is not of this format.
    pub fn parse(self, source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
        match self {
            Self::Yaml => yaml::parse(source),
            Self::Json | Self::Binary => json::parse(source),
            Self::Dotenv => dotenv::parse(source),
            Self::Ini => ini::parse(source),
        }
    }

    /// Writes decrypted documents (metadata removed) the way `sops decrypt` prints them. `None` when that is longer than `most` bytes,
    /// which is known before any memory is taken for it.
    ///
    /// # Errors
    /// When the format has no spelling for something in the tree.
    pub fn emit(self, documents: &[Branch<Plaintext>], most: usize) -> Result<Option<Content<'_>>, EmitError> {
        let text = match self {
            Self::Yaml => yaml::emit(documents, most)?,
            Self::Json => json::emit(documents, most)?,
            Self::Dotenv => dotenv::emit(documents, most)?,
            Self::Ini => ini::emit(documents, most)?,
            Self::Binary => {
                let text = binary::emit(documents)?;
                return Ok((text.len() <= most).then_some(Content::Borrowed(text)));
            }
        };
        Ok(text.map(Content::Owned))
    }

    /// Writes one scalar the way `sops decrypt --extract` prints it, without a line end.
    ///
    /// # Errors
    /// When the format has no spelling for it.
    pub fn emit_scalar(self, kind: Kind, text: &Plaintext) -> Result<Content<'_>, EmitError> {
        match (self, kind) {
            (_, Kind::Text) => Ok(Content::Borrowed(text)),
            (Self::Json | Self::Binary, _) => json::emit_scalar(kind, text).map(Content::Owned),
            (Self::Dotenv | Self::Ini, _) => Ok(Content::Owned(flat::emit_scalar(kind, text))),
            (Self::Yaml, _) => Ok(Content::Owned(yaml::emit_scalar(kind, text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_count_by_what_they_are_written_out() {
        for (what, float, count, is_read) in [
            ("long ones", "5e-324", 150_000, true),
            ("too many long ones", "5e-324", 250_000, false),
            ("short ones", "1.25", 250_000, true),
        ] {
            let list = vec![float; count].join(",");
            for (format, text) in [
                (Format::Json, format!("{{\"a\":[{list}]}}")),
                (Format::Yaml, format!("a: [{list}]\n")),
            ] {
                assert_eq!(format.parse(text.as_bytes()).is_ok(), is_read, "{what} in {format}");
            }
        }
    }
}
