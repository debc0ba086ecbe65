//! Reads the rules of a secret: what is made at its path, what happens if it fails, and what is taken off its end.

use std::path::Path;

use super::{
    declaration::{OnFailure, Trim},
    findings::Findings,
    named_entry::NamedEntry,
};
use crate::{
    install::{AtPath, InstallError},
    text::printable::named,
};

/// Reads `install` and `copyToDisk` of the secret or template `what`. `path` is its path, if that is not its own place below `link`. The
/// default is [`AtPath::Link`].
///
/// A copy has to be remembered, so that it goes with its secret. Nothing is remembered for a manifest without `version`. And a program that
/// does not know the field would ignore it there.
pub(crate) fn at_path(
    what: NamedEntry<'_>,
    (install, to_disk): (&str, bool),
    path: Option<&Path>,
    link: &Path,
    findings: &mut Findings,
) -> AtPath {
    match (install, path) {
        ("" | "link", _) => return AtPath::Link,
        ("copy", None) => findings.error(
            format!("{what} is to be copied, but has no path"),
            "set path to where the copy belongs, or install to \"link\"",
        ),
        ("copy", Some(_)) if !findings.strict => findings.error(
            format!("{what} is to be copied, but the manifest has no version"),
            "set version to 1",
        ),
        ("copy", Some(path)) if path.starts_with(link) => findings
            .errors
            .push(InstallError::copy_among_secrets(path).diagnosis.of(what)),
        ("copy", Some(_)) => {}
        _ => findings.error(
            format!("{what} has the unknown install {}", named(install)),
            "set \"link\" or \"copy\"",
        ),
    }
    AtPath::Copy { to_disk }
}

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
