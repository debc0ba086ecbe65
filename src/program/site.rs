//! Where an installation publishes, and how: from the manifest and the command line.

use rustix::fs::Gid;

use crate::{
    install::{Homes, Site, Store},
    manifest::Manifest,
    system::{memory::FileSystem, root::Root, users::Accounts},
};

/// The paths and settings of the installation that `manifest` describes, below `root`. `is_early` says that no user is looked up
/// (`-ignore-passwd`).
pub(crate) fn of(is_early: bool, manifest: &Manifest, root: &Root, accounts: &mut Accounts) -> Site {
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
        keep_generations: manifest.keep_generations,
        keeps_unchanged: !manifest.is_of_sops_nix,
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
