//! What installs a manifest again, for messages: a command, which somebody types after the cause of a failure was repaired, or the unit that
//! asks key services.

use crate::{
    manifest::{Manifest, Phase},
    system::service_manager::IS_SYSTEMD,
};

/// The unit that asks key services on a NixOS host, once the network is there.
pub(crate) const ONLINE_UNIT: &str = "sops-nix-online.service";

/// The command that repeats this run. The command depends on the module that made the manifest, on the phase of the run, and on
/// what started this program.
///
/// `is_early` says that this is the early phase, before users are made (`-ignore-passwd`). `by_unit` says that a systemd unit
/// started this program, not an activation script.
///
/// Our module calls its units `sops-nix`, `sops-nix-for-users` and `sops-nix-for-file-systems`. No activation script does the work
/// of `sops-nix-for-file-systems`, so the command for the phase of file systems always restarts this unit.
///
/// The module of sops-nix calls the first two units `sops-install-secrets` and `sops-install-secrets-for-users`. Our module defines
/// these names as aliases, except on system-manager, which cannot make aliases. Because of this exception, the command always uses
/// the unit name of the module that made the manifest.
///
/// On macOS, launchd has one job for the system, and one for each user.
#[must_use]
pub(crate) fn command(manifest: &Manifest, is_early: bool, by_unit: bool) -> &'static str {
    if IS_SYSTEMD {
        by_systemd(manifest, is_early, by_unit)
    } else {
        by_launchd(manifest)
    }
}

fn by_launchd(manifest: &Manifest) -> &'static str {
    if manifest.user_mode {
        "launchctl kickstart gui/$(id -u)/org.nix-community.home.sops-nix"
    } else {
        "sudo launchctl kickstart system/org.nixos.sops-install-secrets"
    }
}

fn by_systemd(manifest: &Manifest, is_early: bool, by_unit: bool) -> &'static str {
    match (is_early, by_unit) {
        _ if manifest.user_mode => "systemctl --user restart sops-nix",
        _ if manifest.phase == Phase::FileSystems => "systemctl restart sops-nix-for-file-systems",
        (false, _) if !manifest.is_of_sops_nix => "systemctl restart sops-nix",
        (true, true) if !manifest.is_of_sops_nix => "systemctl restart sops-nix-for-users",
        (false, true) => "systemctl restart sops-install-secrets",
        (true, true) => "systemctl restart sops-install-secrets-for-users",
        // An activation script can only be repeated together with the whole activation, which also sets the passwords of users.
        (_, false) => "/run/current-system/activate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchd_has_a_job_for_the_system_and_one_for_each_user() {
        let manifest = |user_mode| {
            let json = format!(
                r#"{{"secretsMountPoint": "/r/s.d", "symlinkPath": "/r/s", "userMode": {user_mode}, "secrets": [], "templates": []}}"#
            );
            let parsed = Manifest::parse(std::path::Path::new("/m.json"), json.as_bytes(), None);
            parsed.unwrap_or_else(|error| panic!("{}", error.diagnosis)).0
        };
        assert_eq!(
            by_launchd(&manifest(false)),
            "sudo launchctl kickstart system/org.nixos.sops-install-secrets"
        );
        assert_eq!(
            by_launchd(&manifest(true)),
            "launchctl kickstart gui/$(id -u)/org.nix-community.home.sops-nix"
        );
    }
}
