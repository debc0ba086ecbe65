//! What to do about a sops file that does not have the wanted value.

use super::editable::Editable;
use crate::sops::{ContentError, select::SelectError};

/// What is wrong, and what to do about it.
pub(crate) fn absent(error: &ContentError, file: Editable<'_>) -> String {
    match error {
        ContentError::Select(SelectError::Repeated { .. }) => format!("{error}; to leave one, {}", file.sops("edit")),
        ContentError::Select(SelectError::NotAScalar { found: "null", .. }) => {
            format!("{error}; to give it a value, {}", file.sops("edit"))
        }
        ContentError::Select(SelectError::Missing { nearest: None, .. }) => {
            format!("{error}; correct the key, or to add it, {}", file.sops("edit"))
        }
        ContentError::Select(_) | ContentError::Emit(_) => error.to_string(),
    }
}
