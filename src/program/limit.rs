//! How much may be read and published. Who can write a sops file could otherwise take all memory.

use crate::manifest::Manifest;

/// Said behind it where the Nix module has the option.
const RAISE: &str = "; raise sops.maxSize";
/// Said where it has not: this is the module of sops-nix.
const CANNOT_RAISE: &str =
    "; make it smaller, or import the module of sops-install-secrets, which has sops.maxSize to raise this";

/// The most bytes of a sops file, of all secrets, and of all rendered templates.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// How many.
    pub bytes: usize,
    /// What is to be done about something larger, as it stands at the end of a message.
    pub remedy: &'static str,
}

impl Limit {
    /// What this manifest sets.
    #[must_use]
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            bytes: manifest.max_size,
            remedy: if manifest.is_of_sops_nix { CANNOT_RAISE } else { RAISE },
        }
    }

    /// Why something is not published for which there is no room. `kind`: what takes the room, in the plural.
    #[must_use]
    pub(crate) fn exceeded(self, kind: &str) -> String {
        format!(
            "with it, more than {} MiB of {kind} would be published{}",
            self.bytes >> 20,
            self.remedy
        )
    }
}
