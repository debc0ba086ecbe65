//! Reads the rules of a secret: what happens if it fails, and what is taken off its end.

use super::{
    declaration::{OnFailure, Trim},
    findings::Findings,
    named_entry::NamedEntry,
};
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

/// Reads `trim` of the secret `what`. The default is [`Trim::Nothing`].
pub(crate) fn trim(what: NamedEntry<'_>, trim: &str, findings: &mut Findings) -> Trim {
    match trim {
        "" => Trim::Nothing,
        "newline" => Trim::LineEnds,
        _ => {
            findings.error(
                format!("{what} has the unknown trim {}", named(trim)),
                "set \"newline\", or leave it out",
            );
            Trim::Nothing
        }
    }
}
