//! Why a manifest cannot be used.

use std::path::PathBuf;

use serde_json::error::Category;
use thiserror::Error;

use crate::text::{encoding::Encoding, shell};

/// Why a manifest cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not JSON, or a value of the wrong type.
    #[error("cannot read the manifest {path}: {cause}", path = path.display(), cause = cause(field, source))]
    Json {
        /// The manifest.
        path: PathBuf,
        /// The field at fault, such as `secrets[0].mode`; `.` where no field is.
        field: String,
        /// What serde says, with line and column.
        source: serde_json::Error,
    },
    /// The text is not UTF-8, or has a byte order mark, so another program than a Nix module has saved it. JSON is exchanged in
    /// UTF-8 without a byte order mark (RFC 8259, section 8.1).
    #[error("cannot read the manifest {}: {encoding}; run: {}", path.display(), encoding.command(&shell::path(path)))]
    Encoded {
        /// The manifest.
        path: PathBuf,
        /// What happened to it.
        encoding: Encoding,
    },
    /// Everything that is wrong in it.
    #[error("the manifest {path} is not valid:\n  {list}", path = path.display(), list = findings.join("\n  "))]
    Invalid {
        /// The manifest.
        path: PathBuf,
        /// One line each.
        findings: Vec<String>,
        /// What else was found, which alone would only be a warning.
        warnings: Vec<String>,
    },
}

/// What is wrong with the JSON, and where.
pub(crate) fn cause(field: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => format!("it ends too early, at line {} column {}", error.line(), error.column()),
        Category::Data => data_cause(field, error),
        _ => format!("it is not valid JSON: {error}"),
    }
}

/// Says which field is wrong, and which type it should have. Never shows the value: it could be a secret in the wrong place.
pub(crate) fn data_cause(field: &str, error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&place).unwrap_or_default();
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return format!(
            "the field {} is given twice,{place}; remove one of the two",
            name.replace('`', "")
        );
    }
    let expected = match text.rsplit_once(", expected ") {
        Some((_, "i64" | "u64")) => ": expected a whole number",
        Some((_, "a string")) => ": expected a string",
        Some((_, "a sequence")) => ": expected a list",
        Some((_, "a boolean")) => ": expected true or false",
        _ => "",
    };
    let field = if field == "." {
        "it".to_owned()
    } else {
        // It may contain names of secrets, which the user chose.
        field.escape_debug().to_string()
    };
    format!("{field} has the wrong type,{place}{expected}")
}
