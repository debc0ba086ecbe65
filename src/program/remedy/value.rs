//! Remedies for a sops file that does not have the wanted value.

use super::editable::Editable;
use crate::{
    sops::{ContentError, SelectError},
    text::diagnosis::Diagnosis,
    transform::TransformError,
};

/// Describes why the wanted value cannot be taken from the file, and the remedy.
pub(crate) fn absent(error: &ContentError, file: Editable<'_>) -> Diagnosis {
    let remedy = match error {
        ContentError::Select(SelectError::Repeated { .. }) => Some(format!("to keep one of them, {}", file.sops("edit"))),
        ContentError::Select(SelectError::Ambiguous { .. }) => Some(format!("to rename one of them, {}", file.sops("edit"))),
        ContentError::Select(SelectError::NotText { .. }) => Some(format!(
            "sops may have changed its spelling: to write it anew in quotes, {}",
            file.sops("edit")
        )),
        ContentError::Select(SelectError::NotAScalar { found: "null", .. }) => Some(format!(
            "to give it a value, {}; for an empty file, set as = \"lines\"",
            file.sops("edit")
        )),
        ContentError::Select(SelectError::Missing { nearest: None, .. }) => {
            Some(format!("correct the key; to add it to the file, {}", file.sops("edit")))
        }
        ContentError::Select(SelectError::NotAMap { nearest: None, .. }) => Some("correct the key".to_owned()),
        ContentError::Select(error) => error.remedy(),
        ContentError::Part(error) => error.remedy().map(str::to_owned),
        ContentError::Emit(_) => None,
    };
    Diagnosis {
        cause: error.to_string(),
        remedy,
    }
}

/// Describes why the wanted value cannot be transformed, and the remedy.
pub(crate) fn untransformed(error: TransformError, file: Editable<'_>) -> Diagnosis {
    Diagnosis::new(error.to_string(), format!("to correct it, {}", file.sops("edit")))
}
