//! The limit on the size of everything that is read and published. Without a limit, a person who can write a sops file could fill the
//! memory.

use crate::{manifest::Manifest, text::diagnosis::Diagnosis};

/// The remedy for a size above the limit, if the manifest comes from our Nix module, which has the option `sops.maxSize`.
const RAISE: &str = "raise sops.maxSize";
/// The remedy for a size above the limit, if the manifest comes from the module of sops-nix, which has no option for the limit.
const CANNOT_RAISE: &str = "make it smaller, or import the Nix module of sops-install-secrets and raise its option sops.maxSize";

/// The size limit for each of three things: one sops file, all secrets together, all rendered templates together.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// The limit in bytes.
    pub bytes: usize,
    /// What to do about something larger.
    pub remedy: &'static str,
}

impl Limit {
    /// The size limit of this manifest.
    #[must_use]
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            bytes: manifest.max_size,
            remedy: if manifest.is_of_sops_nix { CANNOT_RAISE } else { RAISE },
        }
    }

    /// The message about the entry that would exceed the limit. `kind` names the limited things in the plural, such as `secrets`.
    #[must_use]
    pub(crate) fn exceeded(self, kind: &str) -> Diagnosis {
        let limit = self.bytes >> 20;
        Diagnosis::new(format!("this would be more than {limit} MiB of {kind} in all"), self.remedy)
    }
}
