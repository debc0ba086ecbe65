//! Everything that a run publishes, prepared in memory.

use super::{
    contents::{self, Collected, Values},
    environment_files, kept,
    lacks::Lacks,
    mock, rendering,
    sops_files::{Awaited, FileFacts, Files},
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
    /// The names of those failed or awaited secrets and templates that keep what is live of them.
    pub(crate) kept: Vec<String>,
}

impl<'m> Prepared<'m> {
    /// Decrypts the sops files with the keys of `keyring`, and renders the templates. Files that others may have written are read on
    /// `thread`. Live values that are kept are those of `site`. `awaited` says what another run is to bring. Returns the notices about keys that
    /// other programs hold, too.
    ///
    /// In a mock, the secrets are dummies, and no sops file is read.
    pub(crate) fn of(
        manifest: &'m Manifest,
        mut keyring: Keyring,
        thread: Confined,
        site: &Site,
        awaited: Awaited,
    ) -> (Self, Vec<Notice>) {
        if manifest.is_mock {
            let collected = Collected {
                values: mock::values(manifest),
                files: Vec::new(),
                lacks: Lacks::default(),
            };
            return (Self::with(manifest, collected, thread, site, true), Vec::new());
        }
        let mut files = Files::open(manifest, &keyring.at_hand(), thread.clone());
        files.open_with_programs(&mut keyring);
        let (notices, has_asked) = (keyring.take_notices(), keyring.asks_services());
        let collected = contents::collect(&manifest.host_name, files.finish(keyring), awaited);
        (Self::with(manifest, collected, thread, site, has_asked), notices)
    }

    /// Renders the templates with the values of the secrets. `has_asked` says that key services were asked.
    fn with(manifest: &'m Manifest, collected: Collected<'m>, thread: Confined, site: &Site, has_asked: bool) -> Self {
        let Collected {
            mut values,
            files,
            mut lacks,
        } = collected;
        // A live value that is kept may be of another form, in which names cannot be told from values.
        let warnings = environment_files::warnings(manifest, &values);
        let mut kept = kept::keep(manifest, site, &lacks, &mut values);
        kept.add(kept::keep_unopened(manifest, site, &mut lacks, &mut values));
        let staying = kept::staying(manifest, &lacks.awaited, has_asked);
        let (mut rendered, further) = rendering::render(manifest, &values, (&lacks.absent, &staying), thread);
        kept.add(kept::keep_awaited(manifest, site, &staying, &mut values));
        kept.add(kept::keep_templates(manifest, site, &further.awaited, &mut rendered));
        lacks.failures.extend(kept.failures);
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
