//! The key sources of this host: those that the manifest names, and those of the environment.

use std::path::{Path, PathBuf};

use super::environment::KeyVariables;
use crate::{
    keys::{Credential, GpgSource, KeyFile, KeySources, Keyring, Notice, SshKeyFile},
    manifest::Manifest,
    system::{confinement::Confined, root::SSHD},
};

/// Loads the keys, whose files are read on `thread`, and tells of what is wrong with them.
pub(crate) fn load(manifest: &Manifest, variables: KeyVariables, thread: Confined) -> Keyring {
    let sources = KeySources {
        thread,
        ..sources(manifest, variables)
    };
    let mut keyring = Keyring::load(&sources);
    tell(manifest, &mut keyring);
    keyring
}

/// Reports the notices about keys, each once.
pub(crate) fn tell(manifest: &Manifest, keyring: &mut Keyring) {
    for notice in keyring.take_notices() {
        match notice {
            Notice::Imported { .. } | Notice::ImportedForPgp { .. } if !manifest.logging.key_import => {}
            Notice::Imported { .. } | Notice::ImportedForPgp { .. } | Notice::OwnKeys(_) => {
                tracing::info!("sops-install-secrets: {notice}");
            }
            other => tracing::warn!("{other}"),
        }
    }
}

/// The key sources that the manifest names, then those of the environment. Keys in the user's home are used only in user mode, and
/// only if the manifest names no key: root must not use a key that happens to lie in somebody's home.
fn sources(manifest: &Manifest, variables: KeyVariables) -> KeySources {
    let are_own = manifest.user_mode && !names_a_key(manifest);
    let mut sources = KeySources {
        ssh_keys: ssh_keys(manifest),
        age_key_files: manifest.age_key_file.iter().map(|path| key_file(path)).collect(),
        age_key_credential: manifest.age_key_credential.as_ref().map(|name| Credential {
            name: name.clone(),
            directory: variables.credentials.clone(),
        }),
        gpg: gpg(manifest, &variables),
        are_own,
        may_ask: manifest.user_mode,
        timeout: manifest.key_timeout,
        ..KeySources::default()
    };
    if are_own {
        add_own_keys(&mut sources, &variables);
    }
    add_variables(&mut sources, variables);
    sources
}

fn names_a_key(manifest: &Manifest) -> bool {
    let mut ssh = manifest.age_ssh_key_paths.iter().chain(&manifest.ssh_key_paths);
    let files = [&manifest.age_key_file, &manifest.gnupg_home];
    ssh.next().is_some() || manifest.age_key_credential.is_some() || files.into_iter().any(Option::is_some)
}

/// The SSH keys that the manifest names. A key that is named for age and for OpenPGP is read once, for both.
fn ssh_keys(manifest: &Manifest) -> Vec<SshKeyFile> {
    let for_pgp = &manifest.ssh_key_paths;
    let mut paths: Vec<&PathBuf> = Vec::new();
    for path in manifest.age_ssh_key_paths.iter().chain(for_pgp) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let key = |path: &PathBuf| SshKeyFile {
        file: key_file(path),
        is_for_pgp: for_pgp.contains(path),
    };
    paths.into_iter().map(key).collect()
}

/// A key file. One below `/etc/ssh` is a default: if it is missing, there is no warning. The Nix modules name the host keys of sshd
/// by themselves, and not every host has one of each type.
fn key_file(path: &Path) -> KeyFile {
    KeyFile {
        path: path.to_owned(),
        is_default: path.starts_with(SSHD),
    }
}

/// Whether and how to use gpg, which needs a `GnuPG` home. In user mode gpg finds the user's home by itself, so it is enough if the
/// environment names the program.
fn gpg(manifest: &Manifest, variables: &KeyVariables) -> Option<GpgSource> {
    let home = manifest.gnupg_home.clone().or_else(|| variables.gnupg_home.clone());
    let is_wanted = home.is_some() || (manifest.user_mode && variables.gpg.is_some());
    is_wanted.then(|| GpgSource {
        program: variables.gpg.clone().unwrap_or_else(|| PathBuf::from("gpg")),
        home,
    })
}

/// Adds the keys that the user's tools find without being told.
fn add_own_keys(sources: &mut KeySources, variables: &KeyVariables) {
    let default = |path: PathBuf| KeyFile { path, is_default: true };
    if let Some(config) = &variables.config {
        sources.age_key_files.push(default(config.join("sops/age/keys.txt")));
    }
    if let Some(home) = &variables.home {
        let ssh = ["id_ed25519", "id_rsa"].map(|name| SshKeyFile {
            file: default(home.join(".ssh").join(name)),
            is_for_pgp: false,
        });
        sources.ssh_keys.extend(ssh);
    }
}

/// What the environment adds.
fn add_variables(sources: &mut KeySources, variables: KeyVariables) {
    let is_new = |path: &PathBuf| sources.age_key_files.iter().all(|key| key.path != *path);
    let age_key_file = variables.age_key_file.filter(is_new);
    sources.age_key_files.extend(age_key_file.map(|path| KeyFile::named(&path)));
    sources.ssh_keys.extend(variables.ssh_key_file.map(|path| SshKeyFile {
        file: KeyFile::named(&path),
        is_for_pgp: false,
    }));
    sources.age_key = variables.age_key;
    sources.age_key_command = variables.age_key_command;
    sources.ssh_key_command = variables.ssh_key_command;
}
