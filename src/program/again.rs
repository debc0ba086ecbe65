//! The command that installs a manifest again: what to type when the cause of a failure is repaired.

use crate::manifest::Manifest;

/// The command for the phase and the way of activation of this run. `is_early`: this is the early phase, before users are made
/// (`-ignore-passwd`). `by_unit`: a systemd unit runs this program, not an activation script.
///
/// In sops-nix the units have other names. Our units have those as aliases, except where system-manager makes the units, which
/// cannot make aliases.
#[must_use]
pub(crate) fn command(manifest: &Manifest, is_early: bool, by_unit: bool) -> &'static str {
    match (is_early, by_unit) {
        _ if manifest.user_mode => "systemctl --user restart sops-nix",
        (false, _) if !manifest.is_of_sops_nix => "systemctl restart sops-nix",
        (true, true) if !manifest.is_of_sops_nix => "systemctl restart sops-nix-for-users",
        (false, true) => "systemctl restart sops-install-secrets",
        (true, true) => "systemctl restart sops-install-secrets-for-users",
        // An activation script runs as a part of the whole activation, which also sets the passwords of users.
        (_, false) => "/run/current-system/activate",
    }
}
