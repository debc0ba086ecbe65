//! Checks the sops files of a manifest without any key.

use super::{host_recipients::HostRecipients, lacks::Lacks, sops_files};
use crate::manifest::Manifest;

/// What the sops files lack. What people should know of the files beside that is reported at once. Looks up no user, and mounts nothing.
pub(crate) fn check(manifest: &Manifest) -> Lacks {
    let host = HostRecipients::new(manifest);
    let mut lacks = Lacks::default();
    for source in sops_files::sources(manifest) {
        let (lacking, warnings) = source.check(host.as_ref());
        lacks.add(lacking);
        for warning in warnings {
            tracing::warn!("{warning}");
        }
    }
    lacks
}
