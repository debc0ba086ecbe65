//! Everything that a run publishes, prepared in memory.

use super::{
    contents::{self, Collected, Values},
    environment_files, kept,
    lacks::Lacks,
    mock, rendering,
    sops_files::{FileFacts, Files},
};
use crate::{
    install::Site,
    keys::{Keyring, Notice},
    manifest::Manifest,
    system::{confinement::Confined, plaintext::Plaintext},
    text::diagnosis::Diagnosis,
};

/// Everything that a run publishes, and what failed on the way.
pub(crate) struct Prepared<'m> {
    /// The values of the secrets.
    pub(crate) values: Values<'m>,
    /// The rendered templates, in the order of the manifest; `None` for one that failed.
    pub(crate) rendered: Vec<Option<Plaintext>>,
    /// What the sops files that were decrypted say of themselves.
    pub(crate) files: Vec<FileFacts>,
    /// What people should know of what is published.
    pub(crate) warnings: Vec<Diagnosis>,
    /// What is lacking.
    pub(crate) lacks: Lacks,
    /// The names of those failed secrets that keep their live values.
    pub(crate) kept: Vec<String>,
}

impl<'m> Prepared<'m> {
    /// Decrypts the sops files with the keys of `keyring`, and renders the templates. Files that others may have written are read on
    /// `thread`. Live values that are kept are those of `site`. Returns the notices about keys that other programs hold, too.
    ///
    /// In a mock, the secrets are dummies, and no sops file is read.
    pub(crate) fn of(manifest: &'m Manifest, mut keyring: Keyring, thread: Confined, site: &Site) -> (Self, Vec<Notice>) {
        if manifest.is_mock {
            let collected = Collected {
                values: mock::values(manifest),
                files: Vec::new(),
                lacks: Lacks::default(),
            };
            return (Self::with(manifest, collected, thread, site), Vec::new());
        }
        let mut files = Files::open(manifest, &keyring.at_hand(), thread.clone());
        files.open_with_programs(&mut keyring);
        let notices = keyring.take_notices();
        let collected = contents::collect(&manifest.host_name, files.finish(keyring));
        (Self::with(manifest, collected, thread, site), notices)
    }

    /// Renders the templates with the values of the secrets.
    fn with(manifest: &'m Manifest, collected: Collected<'m>, thread: Confined, site: &Site) -> Self {
        let Collected {
            mut values,
            files,
            mut lacks,
        } = collected;
        // A live value that is kept may be of another form, in which names cannot be told from values.
        let warnings = environment_files::warnings(manifest, &values);
        let kept = kept::keep(manifest, site, &lacks.failures, &mut values);
        lacks.failures.extend(kept.failure);
        let (rendered, further) = rendering::render(manifest, &values, &lacks.absent, thread);
        Self {
            warnings,
            values,
            rendered,
            files,
            lacks: lacks.and(further),
            kept: kept.names,
        }
    }
}
