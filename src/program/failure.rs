//! Failures of secrets and templates, and the failure policy, which decides what is published after a failure.

use std::path::PathBuf;

use crate::{
    install::{EntryKind, rendered},
    text::diagnosis::Diagnosis,
};

/// A failure, and the entries that cannot be published because of it.
pub(crate) struct Failure {
    /// What went wrong, and what to do about it.
    pub diagnosis: Diagnosis,
    /// Whether secrets or templates cannot be published because of this failure.
    pub kind: EntryKind,
    /// The names of these secrets or templates.
    pub entries: Vec<String>,
    /// The sops file that caused the failure, if a sops file did.
    pub sops_file: Option<PathBuf>,
}

/// The decision of the failure policy about the entries that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing failed, so all entries are published.
    Publish,
    /// No generation is live, so there is nothing to protect. The entries that did not fail are published, and the failures are
    /// reported.
    PublishRest,
    /// Either something failed while a generation is live, or all entries failed. Nothing is changed.
    ChangeNothing,
}

/// Decides by the failure policy. `is_live` says whether a generation is live. `has_rest` says whether at least one entry did not
/// fail.
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

/// A list of names for a message. Of a long list, only the first ten names are shown, and the number of the others.
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
    /// The places, in a generation, of what cannot be published because of this failure. A secret and a template may have one name.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|name| match self.kind {
            EntryKind::Secret => name.clone(),
            EntryKind::Template => rendered(name),
        })
    }

    /// Reports the failure. In the journal, the names of secrets and the sops file are fields of the message.
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
