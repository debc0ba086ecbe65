//! Failures of secrets and templates, and the failure policy, which decides what is published after a failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    install::{EntryKind, Extent, rendered},
    manifest::Manifest,
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
    /// Whether the manifest says that the other entries are published all the same, also over a live generation (`onFailure`).
    pub is_tolerated: bool,
}

/// The decision of the failure policy about the entries that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing failed, so all entries are published.
    Publish,
    /// No generation is live, so there is nothing to protect. The entries that did not fail are published, and the failures are
    /// reported.
    PublishRest,
    /// The manifest tolerates all failures. The entries that did not fail are published, and the failures are reported.
    PublishTolerated,
    /// Either something failed while a generation is live, or all entries failed. Nothing is changed.
    ChangeNothing,
}

impl Verdict {
    /// Which entries are published.
    pub(crate) fn extent(self) -> Extent {
        match self {
            Self::Publish => Extent::Whole,
            Self::PublishTolerated => Extent::Tolerated,
            Self::PublishRest | Self::ChangeNothing => Extent::Rest,
        }
    }
}

/// Decides by the failure policy. `is_live` says whether a generation is live. `has_rest` says whether at least one entry did not
/// fail.
#[must_use]
pub(crate) fn verdict(failures: &[Failure], is_live: bool, has_rest: bool) -> Verdict {
    if failures.is_empty() {
        Verdict::Publish
    } else if !has_rest {
        Verdict::ChangeNothing
    } else if failures.iter().all(|failure| failure.is_tolerated) {
        Verdict::PublishTolerated
    } else if is_live {
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

/// The names of the entries that failed.
pub(crate) fn failed_entries(failures: &[Failure]) -> impl Iterator<Item = String> {
    failures.iter().flat_map(|failure| failure.entries.iter().cloned())
}

/// A list of failed secrets and templates for a message, each with the units that use it.
pub(crate) fn listed(manifest: &Manifest, entries: &[String]) -> String {
    let secrets = manifest.secrets.iter().map(|secret| (&secret.name, &secret.placement));
    let templates = manifest
        .templates
        .iter()
        .map(|template| (&template.name, &template.placement));
    let mut units: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, placement) in secrets.chain(templates) {
        let of_entry = placement.restart_units.iter().chain(&placement.reload_units);
        units.entry(name.as_str()).or_default().extend(of_entry.map(String::as_str));
    }
    let shown = entries.iter().map(|name| match units.get(name.as_str()) {
        Some(units) if !units.is_empty() => {
            let units: Vec<_> = units.iter().copied().collect();
            format!("{name} (used by {})", units.join(", "))
        }
        _ => name.clone(),
    });
    names(&shown.collect::<Vec<_>>())
}

impl Failure {
    /// The places, in a generation, of what cannot be published because of this failure. A secret and a template may have one name.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> {
        places(self.kind, &self.entries)
    }

    /// Reports the failure. In the journal, the names of secrets and the sops file are fields of the message.
    pub(crate) fn report(&self) {
        let secrets = self.entries.join(" ");
        let file = field(self.sops_file.as_deref());
        tracing::error!(SECRET_NAME = secrets, SOPS_FILE = file, "{}", self.diagnosis);
    }
}

/// The places, in a generation, of secrets or templates with these names.
pub(crate) fn places(kind: EntryKind, names: &[String]) -> impl Iterator<Item = String> {
    names.iter().map(move |name| match kind {
        EntryKind::Secret => name.clone(),
        EntryKind::Template => rendered(name),
    })
}

/// A path as a field of a message in the journal; empty if there is none.
pub(crate) fn field(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}
