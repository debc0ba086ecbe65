//! The limit on what is read and published. Without it, whoever can write a sops file could fill the memory.

use crate::{manifest::Manifest, text::diagnosis::Diagnosis};

/// The remedy if the manifest comes from our Nix module, which has the option.
const RAISE: &str = "raise sops.maxSize";
/// The remedy if the manifest comes from the module of sops-nix, which has no such option.
const CANNOT_RAISE: &str = "make it smaller, or import the module of sops-install-secrets, which has sops.maxSize to raise this";

/// The limit for each of these: one sops file, all secrets together, all rendered templates together.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// The most bytes.
    pub bytes: usize,
    /// What to do about something larger.
    pub remedy: &'static str,
}

impl Limit {
    /// The limit that this manifest sets.
    #[must_use]
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            bytes: manifest.max_size,
            remedy: if manifest.is_of_sops_nix { CANNOT_RAISE } else { RAISE },
        }
    }

    /// The message about something that would exceed the limit. `kind` says what the limit is for, in the plural.
    #[must_use]
    pub(crate) fn exceeded(self, kind: &str) -> Diagnosis {
        let limit = self.bytes >> 20;
        Diagnosis::new(
            format!("with it, more than {limit} MiB of {kind} would be published"),
            self.remedy,
        )
    }
}
