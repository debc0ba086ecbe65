//! Why a manifest cannot be used.

use std::path::Path;

use serde_json::error::Category;

use crate::text::{diagnosis::Diagnosis, encoding::Encoding, printable::shown, shell};

/// Why a manifest cannot be used.
#[derive(Debug)]
pub struct ManifestError {
    /// What is wrong, why, and what to do about it.
    pub diagnosis: Diagnosis,
    /// Warnings that were found too. Alone, they would not make the manifest invalid.
    pub warnings: Vec<Diagnosis>,
}

impl ManifestError {
    /// The error for a text that is not JSON, or for a value of the wrong type. `field` describes the field at fault, for example
    /// `the field "mode" of secret "a"`. If the fault is not in a field, `field` is `.`.
    pub(crate) fn json(path: &Path, field: &str, error: &serde_json::Error) -> Self {
        cause(field, error)
            .of(format_args!("cannot read the manifest {}", shown(path)))
            .into()
    }

    /// The error for a text that is UTF-16, or begins with a byte order mark. JSON is exchanged in UTF-8 without a byte order
    /// mark (RFC 8259, section 8.1), and Nix writes it so. So another program has saved this text.
    pub(crate) fn encoded(path: &Path, encoding: Encoding) -> Self {
        Diagnosis::new(
            format!("cannot read the manifest {}: {encoding}", shown(path)),
            format!("run: {}", encoding.command(&shell::path(path))),
        )
        .into()
    }

    /// The error for a manifest with findings. The message has one line for each of `findings`.
    pub(crate) fn invalid(path: &Path, findings: &[Diagnosis], warnings: Vec<Diagnosis>) -> Self {
        let list: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let list = list.join("\n  ");
        let diagnosis = Diagnosis::bare(format!("the manifest {} is not valid:\n  {list}", shown(path)));
        Self { diagnosis, warnings }
    }
}

impl From<Diagnosis> for ManifestError {
    fn from(diagnosis: Diagnosis) -> Self {
        Self {
            diagnosis,
            warnings: Vec::new(),
        }
    }
}

/// Says for a message what is wrong with the JSON, and where.
fn cause(field: &str, error: &serde_json::Error) -> Diagnosis {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof if column == 0 => Diagnosis::new("it is empty", BUILD_AGAIN),
        Category::Eof => Diagnosis::new(format!("its end is missing, after line {line} column {column}"), BUILD_AGAIN),
        Category::Data => data_cause(field, error),
        _ => Diagnosis::new(
            format!("it is not valid JSON: {error}"),
            "give the path of a manifest that a Nix module made",
        ),
    }
}

/// What to do about a manifest that is only partly there.
const BUILD_AGAIN: &str = "build the configuration again";

/// Says which field has the wrong type, and which type it should have. Never shows the value, because the value could be a secret in
/// the wrong place.
fn data_cause(field: &str, error: &serde_json::Error) -> Diagnosis {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&place).unwrap_or_default();
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return Diagnosis::new(
            format!("the field {} is given twice,{place}", name.replace('`', "\"")),
            "remove one of the two",
        );
    }
    if field == "." {
        return Diagnosis::bare("it is not a JSON object");
    }
    let expected = match text.rsplit_once(", expected ") {
        Some((_, "i64" | "u64")) => "a whole number",
        Some((_, "a string")) => "a string",
        Some((_, "a sequence")) => "a list",
        Some((_, "a boolean")) => "true or false",
        Some((_, kind)) if kind == "a map" || kind.starts_with("struct ") => "an object",
        _ => return Diagnosis::bare(format!("{field} has the wrong type,{place}")),
    };
    Diagnosis::bare(format!("{field} must be {expected},{place}"))
}
