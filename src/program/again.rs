//! What installs a manifest again: the command to type when the cause of a failure is mended.

use crate::manifest::Manifest;

/// The command, for the phase and the way of activation of this run. `is_early`: for secrets that users need to be created
/// (`-ignore-passwd`). `by_unit`: a unit runs us, and no activation script.
///
/// The units have other names in sops-nix. Ours have these too, but for the aliases that system-manager cannot make.
#[must_use]
pub(crate) fn command(manifest: &Manifest, is_early: bool, by_unit: bool) -> &'static str {
    match (is_early, by_unit) {
        _ if manifest.user_mode => "systemctl --user restart sops-nix",
        (false, _) if !manifest.is_of_sops_nix => "systemctl restart sops-nix",
        (true, true) if !manifest.is_of_sops_nix => "systemctl restart sops-nix-for-users",
        (false, true) => "systemctl restart sops-install-secrets",
        (true, true) => "systemctl restart sops-install-secrets-for-users",
        // A script runs with the whole activation, so that users get their passwords as well.
        (_, false) => "/run/current-system/activate",
    }
}
