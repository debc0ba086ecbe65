//! Failures of secrets and templates, and the failure policy, which decides what is published then.

use std::path::PathBuf;

use crate::text::diagnosis::Diagnosis;

/// One thing that went wrong, and the entries that cannot be published because of it.
pub(crate) struct Failure {
    /// What went wrong, and what to do about it.
    pub diagnosis: Diagnosis,
    /// The names of the secrets and templates that cannot be published because of this failure.
    pub entries: Vec<String>,
    /// The sops file that caused the failure, if one did.
    pub sops_file: Option<PathBuf>,
}

/// What is done with the entries that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing failed: publish.
    Publish,
    /// Nothing is published yet, so there is nothing to protect: publish the rest, and say so.
    PublishRest,
    /// A complete generation is live, or there is no rest to publish: change nothing.
    ChangeNothing,
}

/// The failure policy. `is_live`: a generation is live. `has_rest`: at least one entry did not fail.
#[must_use]
pub(crate) fn verdict(failures: &[Failure], is_live: bool, has_rest: bool) -> Verdict {
    if failures.is_empty() {
        Verdict::Publish
    } else if is_live || !has_rest {
        Verdict::ChangeNothing
    } else {
        Verdict::PublishRest
    }
}

/// Names for a message: all of a few, the first of many.
#[must_use]
pub(crate) fn names(entries: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = entries.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match entries.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Failure {
    /// Reports the failure, with its fields for the journal.
    pub(crate) fn report(&self) {
        let secrets = self.entries.join(" ");
        let file = self
            .sops_file
            .as_deref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        tracing::error!(SECRET_NAME = secrets, SOPS_FILE = file, "{}", self.diagnosis);
    }
}
