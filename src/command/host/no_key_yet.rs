//! The mark of a first boot in which the host had no key, so that nothing was installed (`sops.noKeyAtFirstBoot`).

use std::fs;

use super::installation::{HostPhase, Installation};
use crate::{system::root::Root, text::diagnosis::Diagnosis};

/// The unit that makes the mark. While the unit is active, the mark keeps the unit that installs the secrets from being started.
pub(crate) const UNIT: &str = "sops-nix-first-boot.service";

/// The mark. The Nix modules know it, too (`nixos-module/no-key-yet.nix`).
const MARK: &str = "/run/sops-nix-first-boot/no-key-yet";

/// What the mark says about an installation: what was not there, and what to do. `None` if there is no mark, or it is about another
/// installation.
pub(crate) fn note(installation: &Installation, root: &Root) -> Option<Diagnosis> {
    let text = fs::read_to_string(root.locate(MARK)).ok();
    let text = text.filter(|_| installation.phase == HostPhase::System)?;
    let (cause, making) = text.trim_end().split_once('\n')?;
    let manifest = installation.manifest.as_ref().ok()?;
    let keys = [&manifest.age_ssh_key_paths, &manifest.ssh_key_paths].into_iter().flatten();
    // Nobody is to make a key over one that was made meanwhile.
    let has_key = keys.chain(&manifest.age_key_file).any(|key| root.locate(key).exists());
    let remedy = if has_key {
        "a key is there now: add its recipient to .sops.yaml, run sops updatekeys, and switch; if the files are for it already, run: sops-nix retry"
    } else {
        making
    };
    Some(Diagnosis::new(cause, remedy))
}
