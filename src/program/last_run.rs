//! Records what a run has done, for whoever asks later.

use std::path::Path;

use super::lacks::Lacks;
use crate::{
    install::{
        Site,
        published_entries::PublishedEntries,
        record::{self, Deeds},
    },
    text::diagnosis::Diagnosis,
};

/// Keeps the record of a run beside the generations. `errors` is what it failed at beside what is lacking. A record that cannot be kept
/// is only a warning: the secrets are not concerned.
pub(crate) fn keep<'f>(
    site: &Site,
    manifest: &Path,
    published: Option<PublishedEntries<'_>>,
    lacks: &'f Lacks,
    errors: impl IntoIterator<Item = &'f Diagnosis>,
) {
    let deeds = Deeds {
        manifest,
        published,
        failures: lacks
            .failures
            .iter()
            .map(|failure| &failure.diagnosis)
            .chain(errors)
            .map(Into::into)
            .collect(),
        absent: lacks.absent_places().collect(),
        deferred: lacks.awaited_places().collect(),
    };
    if let Err(error) = record::keep(site, &deeds) {
        tracing::warn!("{}", unrecorded(error.diagnosis));
    }
}

fn unrecorded(error: Diagnosis) -> Diagnosis {
    Diagnosis {
        cause: format!("{}, so sops-nix status does not know of this run", error.cause),
        ..error
    }
}
