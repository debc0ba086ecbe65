//! Where an installation publishes, and how: from the manifest and the command line.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use rustix::fs::Gid;

use crate::{
    install::{Directories, Homes, Site, Store},
    manifest::Manifest,
    system::{memory::FileSystem, root::Root, users::Accounts},
};

/// The paths and settings of the installation that `manifest` describes, below `root`. `is_early` says that no user is looked up
/// (`-ignore-passwd`). `home` is the home of whoever runs the program.
pub(crate) fn of(is_early: bool, home: Option<&Path>, manifest: &Manifest, root: &Root, accounts: &mut Accounts) -> Site {
    let store = if !manifest.user_mode {
        Store::Mounted {
            file_system: FileSystem::of_host(manifest.use_tmpfs),
            group: Some(if is_early { Gid::ROOT } else { directory_group(accounts) }),
        }
    } else if let Some(file_system) = FileSystem::of_user() {
        Store::Mounted {
            file_system,
            group: None,
        }
    } else {
        Store::Directory
    };
    Site {
        root: root.clone(),
        mount_point: root.locate(&manifest.mount_point),
        link: root.locate(&manifest.link),
        watch_file: manifest.watch_file.as_ref().map(|path| root.locate(path)),
        ledger: ledger(home, manifest, root),
        declared: declared(manifest, root),
        awaited: HashSet::new(),
        keep_generations: manifest.keep_generations,
        keeps_unchanged: !manifest.is_of_sops_nix,
        store,
        directories: Directories::default(),
        homes: match (manifest.user_mode, is_early) {
            (true, _) => Homes::Unknown,
            (false, true) => Homes::Earlier,
            (false, false) => Homes::Known,
        },
    }
}

/// The ledger of the installation. There is none for a manifest of sops-nix, for a user without a home, and on macOS, which does not list
/// its mounts in a file.
fn ledger(home: Option<&Path>, manifest: &Manifest, root: &Root) -> Option<PathBuf> {
    if manifest.is_of_sops_nix || cfg!(target_os = "macos") {
        None
    } else if manifest.user_mode {
        home.map(ledger_of_user)
    } else {
        Some(root.ledger())
    }
}

/// The ledger of the user with this home. It does not depend on `XDG_STATE_HOME`: a shell may have another value of it than the systemd
/// of the user.
pub(crate) fn ledger_of_user(home: &Path) -> PathBuf {
    home.join(".local/state/sops-nix/ledger.json")
}

/// The paths that all secrets and templates declare.
fn declared(manifest: &Manifest, root: &Root) -> HashSet<PathBuf> {
    let paths = manifest.placements().filter_map(|placement| placement.path.as_ref());
    paths.map(|path| root.locate(path)).collect()
}

/// The group of the directories in the mount point. The group only decides who may list the directories. So if the group cannot be
/// looked up, the secrets are still published, and the next run corrects the group.
fn directory_group(accounts: &mut Accounts) -> Gid {
    accounts.directory_group().unwrap_or_else(|error| {
        tracing::warn!("{error}; so only root can list the directories of the secrets, until the next run");
        Gid::ROOT
    })
}
