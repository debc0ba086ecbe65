//! Reads what happens if a secret fails.

use super::{declaration::OnFailure, findings::Findings, named_entry::NamedEntry};
use crate::text::printable::named;

/// Reads `onFailure` of the secret `what`. The default is [`OnFailure::Abort`].
pub(crate) fn on_failure(what: NamedEntry<'_>, policy: &str, findings: &mut Findings) -> OnFailure {
    match policy {
        "" | "abort" => OnFailure::Abort,
        "skip" => OnFailure::Skip,
        "keep" => OnFailure::Keep,
        _ => {
            findings.error(
                format!("{what} has the unknown onFailure {}", named(policy)),
                "set \"abort\", \"skip\" or \"keep\"",
            );
            OnFailure::Abort
        }
    }
}
