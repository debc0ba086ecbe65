//! The users whose installations are shown beside those of the system.

use std::path::PathBuf;

use rustix::process::geteuid;

use crate::{
    program::environment::Environment,
    system::{
        account_files::{Home, homes},
        root::Root,
    },
};

/// A user, as far as it matters here.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
    pub(crate) runtime_dir: PathBuf,
}

/// The users whose installations are shown beside those of the system.
pub(crate) fn askers(root: &Root, environment: &Environment) -> Vec<Asker> {
    let homes = homes(&root.passwd());
    let of = |home: &Home| Asker {
        name: home.name.clone(),
        home: root.locate(&home.path),
        runtime_dir: root.runtime_dir(home.owner.user),
    };
    let own = geteuid();
    if own.is_root() {
        return homes.iter().map(of).collect();
    }
    // A directory server may know a user that /etc/passwd does not have.
    let name = homes.iter().find(|home| home.owner.user == own).map(|home| home.name.clone());
    let asker = environment.keys.home.as_ref().map(|home| Asker {
        name: name.unwrap_or_else(|| own.as_raw().to_string()),
        home: home.clone(),
        runtime_dir: environment.runtime_dir.clone().unwrap_or_else(|| root.runtime_dir(own)),
    });
    asker.into_iter().collect()
}
