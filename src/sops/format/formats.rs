//! The formats by their names, and the functions that read and write each format.

use std::fmt;

use super::{
    binary, dotenv, flat, ini, json,
    problem::{EmitError, ParseError},
    yaml,
};
use crate::sops::tree::{Branch, Opened, ScalarType, Stored};

/// The format of a sops file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The format YAML, with one or more documents.
    Yaml,
    /// The format JSON, with one object.
    Json,
    /// The format dotenv, with lines like `KEY=value`.
    Dotenv,
    /// The format INI, with lines like `[section]` and `key = value`.
    Ini,
    /// Any bytes, which sops wraps in a JSON object.
    Binary,
}

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
    /// Reads the text of an encrypted file into its documents. The documents still contain the sops metadata.
    ///
    /// # Errors
    /// When the text is not valid in this format.
    pub fn parse(self, source: &[u8]) -> Result<Vec<Branch<Stored<'_>>>, ParseError> {
        match self {
            Self::Yaml => yaml::parse(source),
            Self::Json | Self::Binary => json::parse(source),
            Self::Dotenv => dotenv::parse(source),
            Self::Ini => ini::parse(source),
        }
    }

    /// Writes decrypted documents without metadata, as `sops decrypt` prints them. Returns `None` if the text is longer than
    /// `most` bytes. The length is measured before memory is allocated for the text. Each value is dropped when it is printed.
    ///
    /// # Errors
    /// When the format has no spelling for a key or a value. Also when the text would be many times as long as the contents of
    /// the documents.
    pub fn emit(self, documents: Vec<Branch<Opened>>, most: usize) -> Result<Option<Opened>, EmitError> {
        let text = match self {
            Self::Yaml => yaml::emit(documents, most)?,
            Self::Json => json::emit(documents, most)?,
            Self::Dotenv => dotenv::emit(documents, most)?,
            Self::Ini => ini::emit(documents, most)?,
            Self::Binary => {
                let text = binary::emit(&documents)?;
                return Ok((text.len() <= most).then(|| Opened::clone(text)));
            }
        };
        Ok(text.map(Opened::new))
    }

    /// Writes one scalar as `sops decrypt --extract` prints it, but without a line end.
    ///
    /// # Errors
    /// When the format has no spelling for the scalar.
    pub fn emit_scalar(self, kind: ScalarType, text: &Opened) -> Result<Opened, EmitError> {
        match (self, kind) {
            (_, ScalarType::Text) => Ok(Opened::clone(text)),
            (Self::Json | Self::Binary, _) => json::emit_scalar(kind, text).map(Opened::new),
            (Self::Dotenv | Self::Ini, _) => Ok(Opened::new(flat::emit_scalar(kind, text))),
            (Self::Yaml, _) => Ok(Opened::new(yaml::emit_scalar(kind, text))),
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
