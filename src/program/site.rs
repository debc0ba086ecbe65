//! Where an installation publishes, and how: from the manifest, the command line and the environment.

use std::path::{Path, PathBuf};

use rustix::fs::Gid;

use crate::{
    install::{FileSystem, Homes, Site, Store},
    manifest::Manifest,
    system::{root::Root, users::Accounts},
};

/// The paths and settings of the installation that `manifest` describes, below `root`. `is_early` says that no user is looked up
/// (`-ignore-passwd`). `home` is the home of whoever runs the program.
pub(crate) fn of(is_early: bool, home: Option<&Path>, manifest: &Manifest, root: &Root, accounts: &mut Accounts) -> Site {
    let store = if manifest.user_mode {
        Store::Directory
    } else {
        Store::Mounted {
            file_system: if manifest.use_tmpfs {
                FileSystem::Tmpfs
            } else {
                FileSystem::Ramfs
            },
            group: if is_early { Gid::ROOT } else { directory_group(accounts) },
        }
    };
    Site {
        root: root.clone(),
        mount_point: root.locate(&manifest.mount_point),
        link: root.locate(&manifest.link),
        keep_generations: manifest.keep_generations,
        keeps_unchanged: !manifest.is_of_sops_nix,
        ledger: ledger(home, manifest, root),
        store,
        homes: match (manifest.user_mode, is_early) {
            (true, _) => Homes::Unknown,
            (false, true) => Homes::Earlier,
            (false, false) => Homes::Known,
        },
    }
}

/// The group of the directories in the mount point. The group only decides who may list the directories. So if the group cannot be
/// looked up, the secrets are still published, and the next run corrects the group.
fn directory_group(accounts: &mut Accounts) -> Gid {
    accounts.directory_group().unwrap_or_else(|error| {
        tracing::warn!("{error}; so only root can list the directories of the secrets, until the next run");
        Gid::ROOT
    })
}

/// The path of the ledger of this installation. `None` for a manifest of sops-nix, and for a user without a home. For a user, the path
/// does not depend on `XDG_STATE_HOME`: a shell may have another value of it than the systemd of the user.
fn ledger(home: Option<&Path>, manifest: &Manifest, root: &Root) -> Option<PathBuf> {
    if manifest.is_of_sops_nix {
        return None;
    }
    let link = &manifest.link;
    let (state, is_usual) = if manifest.user_mode {
        let home = home?;
        (
            home.join(".local/state/sops-nix"),
            *link == home.join(".config/sops-nix/secrets"),
        )
    } else {
        (root.state(), link == Path::new("/run/secrets"))
    };
    Some(state.join(ledger_name(link, is_usual)))
}

/// The file name of the ledger of the installation with this link. Each installation has a ledger of its own, which changes under the
/// lock of the installation, so no two links have the same name. `is_usual` says whether the link is where the Nix modules put it by
/// default. `nixos-module/phases.nix` makes the same names.
fn ledger_name(link: &Path, is_usual: bool) -> String {
    if is_usual {
        return "ledger.json".to_owned();
    }
    let link = link.to_string_lossy().replace('_', "__").replace('-', "_-").replace('/', "-");
    format!("ledger{link}.json")
}
