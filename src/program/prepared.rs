//! Everything that a run publishes, prepared in memory.

use super::{
    contents::{self, Values},
    failure::Failure,
    sops_files::Files,
};
use crate::{
    keys::{Keyring, Notice},
    manifest::Manifest,
    system::{confinement::Confined, plaintext::Plaintext},
};

/// Everything that a run publishes, and what failed on the way.
pub(crate) struct Prepared<'m> {
    /// The values of the secrets.
    pub(crate) values: Values<'m>,
    /// The rendered templates, in the order of the manifest; `None` for one that failed.
    pub(crate) rendered: Vec<Option<Plaintext>>,
    /// What failed.
    pub(crate) failures: Vec<Failure>,
}

impl<'m> Prepared<'m> {
    /// Decrypts the sops files with the keys of `keyring`, and renders the templates. Files that others may have written are read on
    /// `thread`. Returns the notices about keys that other programs hold, too.
    pub(crate) fn of(manifest: &'m Manifest, mut keyring: Keyring, thread: Confined) -> (Self, Vec<Notice>) {
        let mut files = Files::open(manifest, &keyring.at_hand(), thread.clone());
        files.open_with_programs(&mut keyring);
        let notices = keyring.take_notices();
        let (values, failed_secrets) = contents::values(files.finish(keyring));
        let (rendered, failed_templates) = contents::render(manifest, &values, thread);
        let prepared = Self {
            values,
            rendered,
            failures: failed_secrets.into_iter().chain(failed_templates).collect(),
        };
        (prepared, notices)
    }
}
