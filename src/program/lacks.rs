//! What a run does without: what failed, and what is absent because it is optional.

use std::path::{Path, PathBuf};

use super::{
    again::ONLINE_UNIT,
    failure::{Failure, failed_entries, field, listed, names, places},
};
use crate::{
    install::EntryKind,
    manifest::Manifest,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// What a run does without.
#[derive(Default)]
pub(crate) struct Lacks {
    /// What failed.
    pub(crate) failures: Vec<Failure>,
    /// What is absent, and no failure.
    pub(crate) absent: Vec<Absent>,
    /// What only a key service could give, or a key that is not there yet, so that another run is to bring it.
    pub(crate) awaited: Vec<Failure>,
    /// What lies in files that no key of this run opens, and that the run before this one may have opened.
    pub(crate) unopened: Vec<Failure>,
    /// Whether a key service, or a key that is not there yet, could give any of what failed or is awaited.
    pub(crate) may_come: bool,
}

impl Lacks {
    /// The same, and then `more`.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.add(more);
        self
    }

    /// Adds `more` behind what is there.
    pub(crate) fn add(&mut self, more: Self) {
        self.failures.extend(more.failures);
        self.absent.extend(more.absent);
        self.awaited.extend(more.awaited);
        self.unopened.extend(more.unopened);
        self.may_come |= more.may_come;
    }

    /// Lacks nothing but what this `failure` keeps from coming, until there is a key for it.
    pub(crate) fn awaiting(failure: Failure) -> Self {
        Self {
            awaited: vec![failure],
            may_come: true,
            ..Self::default()
        }
    }

    /// Makes failures of what is awaited, which are tolerated.
    pub(crate) fn fail_awaited(&mut self) {
        self.failures.extend(self.awaited.drain(..).map(|failure| Failure {
            is_tolerated: true,
            ..failure
        }));
    }

    /// What a run says of that which it leaves to the run that has more keys. `kept` are the names of what keeps its live value
    /// meanwhile. `None` if there is nothing.
    pub(crate) fn deferral(&self, manifest: &Manifest, kept: &[String]) -> Option<String> {
        let (kept, others): (Vec<_>, Vec<_>) = failed_entries(&self.awaited).partition(|name| kept.contains(name));
        let lists = [("", others), (" (their live values stay until then)", kept)];
        let lists = lists.iter().filter(|(_, names)| !names.is_empty());
        let lists: Vec<_> = lists
            .map(|(words, names)| format!("{}{words}", listed(manifest, names)))
            .collect();
        let is_empty = lists.is_empty();
        let completes = completing(manifest);
        (!is_empty).then(|| format!("deferred until {ONLINE_UNIT}, which {completes}: {}", lists.join("; ")))
    }

    /// The places, in a generation, of what is awaited.
    pub(crate) fn awaited_places(&self) -> impl Iterator<Item = String> {
        self.awaited.iter().flat_map(Failure::places)
    }

    /// Reports what failed, and says what is absent.
    pub(crate) fn report(&self) {
        self.failures.iter().for_each(Failure::report);
        self.absent.iter().for_each(Absent::report);
    }

    /// The places, in a generation, of what is absent.
    pub(crate) fn absent_places(&self) -> impl Iterator<Item = String> {
        self.absent.iter().flat_map(Absent::places)
    }
}

/// What a publication in `link` lacks because of failures, and the failed secrets `kept` that keep their live values. `None` if it
/// lacks nothing. What is absent does not count.
pub(crate) fn published_rest(manifest: &Manifest, link: &Path, lacks: &Lacks, kept: &[String]) -> Option<String> {
    let missing: Vec<_> = failed_entries(&lacks.failures).filter(|name| !kept.contains(name)).collect();
    let list = |words: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!(", {words}: {}", listed(manifest, names)),
    };
    let wanted = manifest.entry_count().saturating_sub(lacks.absent_places().count());
    let is_lacking = !missing.is_empty() || !kept.is_empty();
    is_lacking.then(|| {
        format!(
            "published {} of {wanted} in {}{}{}",
            wanted.saturating_sub(missing.len()),
            shown(link),
            list("without", &missing),
            list("with the live value of", kept),
        )
    })
}

/// What the run does that has more keys.
fn completing(manifest: &Manifest) -> String {
    let asks = manifest.key_services.as_ref().map(|_| "asks key services".to_owned());
    let waits = manifest.late_key_file().map(|path| format!("waits for {}", shown(path)));
    asks.into_iter().chain(waits).collect::<Vec<_>>().join(" and ")
}

impl From<Failure> for Lacks {
    fn from(failure: Failure) -> Self {
        Self {
            failures: vec![failure],
            ..Self::default()
        }
    }
}

impl From<Absent> for Lacks {
    fn from(absent: Absent) -> Self {
        Self {
            absent: vec![absent],
            ..Self::default()
        }
    }
}

/// Optional secrets whose sops file or key is missing, or a template that needs such a secret. They are not published.
pub(crate) struct Absent {
    /// Why they are absent.
    pub(crate) reason: Diagnosis,
    /// Whether they are secrets or templates.
    pub(crate) kind: EntryKind,
    /// Their names.
    pub(crate) entries: Vec<String>,
    /// The sops file that does not give them, if they are secrets.
    pub(crate) sops_file: Option<PathBuf>,
}

impl Absent {
    /// The places, in a generation, of what is absent.
    fn places(&self) -> impl Iterator<Item = String> {
        places(self.kind, &self.entries)
    }

    /// Says what is absent, and why. In the journal, the names of secrets and the sops file are fields of the message.
    fn report(&self) {
        let noun = match self.kind {
            EntryKind::Secret => "optional secret",
            EntryKind::Template => "template",
        };
        let (plural, verb) = if self.entries.len() == 1 { ("", "is") } else { ("s", "are") };
        let secrets = self.entries.join(" ");
        let file = field(self.sops_file.as_deref());
        tracing::info!(
            SECRET_NAME = secrets,
            SOPS_FILE = file,
            "{noun}{plural} {} {verb} left out: {}",
            names(&self.entries),
            self.reason
        );
    }
}
