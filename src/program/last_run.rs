//! Records what a run has done, for whoever asks later.

use std::path::Path;

use crate::{
    install::{
        Site,
        record::{self, Deeds, PublishedEntries},
    },
    text::diagnosis::Diagnosis,
};

/// Keeps the record of a run beside the generations. A record that cannot be kept is only a warning: the secrets are not concerned.
pub(crate) fn keep<'f>(
    site: &Site,
    manifest: &Path,
    published: Option<PublishedEntries<'_>>,
    failures: impl IntoIterator<Item = &'f Diagnosis>,
) {
    let deeds = Deeds {
        manifest,
        published,
        failures: failures.into_iter().map(Into::into).collect(),
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
