//! How a run makes its unit requests: from the manifest and the environment.

use std::path::PathBuf;

use super::environment::Environment;
use crate::{install::units::Channel, manifest::Manifest, system::root::Root};

/// How unit requests are made. In user mode, the home-manager module names systemctl if there are units to restart or reload.
pub(crate) fn of(environment: &Environment, manifest: &Manifest, root: &Root) -> Channel {
    if manifest.user_mode {
        let systemctl = environment.systemctl.clone().filter(|_| !environment.dry_run);
        return systemctl.map_or(Channel::Nobody, Channel::OfUser);
    }
    let systemctl = PathBuf::from("systemctl");
    match (environment.via_systemctl, environment.dry_run) {
        (true, false) => Channel::Systemctl(systemctl),
        (true, true) => Channel::Announced(systemctl),
        (false, dry) => Channel::Lists {
            directory: root.unit_lists(),
            dry,
            units: environment.units.clone(),
            systemctl: environment.systemctl.clone().or_else(systemctl_of_nixos),
        },
    }
}

/// The systemctl of NixOS. Activation scripts do not have it in their `PATH`, and the scripts of sops-nix's module do not name it.
fn systemctl_of_nixos() -> Option<PathBuf> {
    Some(PathBuf::from("/run/current-system/sw/bin/systemctl")).filter(|path| path.exists())
}
