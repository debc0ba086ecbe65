//! The key sources of this host: those that the manifest names or, without a manifest, the usual places; and those that the environment names.

use std::path::{Path, PathBuf};

use super::environment::KeyVariables;
use crate::{
    keys::{Credential, GpgSource, KeyFile, KeySources, Keyring, Notice, ServiceReach, SshKeyFile},
    manifest::Manifest,
    system::{
        confinement::Confined,
        root::{Root, SSHD},
    },
};

/// Where the documents of sops-nix put the age key of a host.
const HOST_KEY_FILE: &str = "/var/lib/sops-nix/key.txt";

/// Loads all keys of this host, and reports errors of the key sources. Key files are read on `thread`. `reach` says whether key services
/// are asked.
pub(crate) fn load(manifest: &Manifest, variables: KeyVariables, thread: Confined, reach: ServiceReach) -> Keyring {
    let sources = KeySources {
        reach,
        thread,
        ..sources(manifest, variables)
    };
    let mut keyring = Keyring::load(&sources);
    tell(manifest, keyring.take_notices());
    keyring
}

/// Reports the notices of the keyring, each once. Notices about imported keys are reported only if the manifest asks for them.
pub(crate) fn tell(manifest: &Manifest, notices: Vec<Notice>) {
    for notice in notices {
        match notice {
            Notice::Imported { .. } | Notice::ImportedForPgp { .. } if !manifest.logging.key_import => {}
            Notice::Imported { .. } | Notice::ImportedForPgp { .. } | Notice::OwnKeys(_) => {
                tracing::info!("sops-install-secrets: {notice}");
            }
            other => tracing::warn!("{other}"),
        }
    }
}

/// The key sources in the usual places of hosts. A file in a usual place may be missing.
pub(crate) fn of_host(root: &Root) -> KeySources {
    KeySources {
        ssh_keys: ["ssh_host_ed25519_key", "ssh_host_rsa_key"]
            .map(|name| SshKeyFile {
                file: default(root.locate(Path::new(SSHD).join(name))),
                is_for_pgp: false,
            })
            .into(),
        age_key_files: vec![default(root.locate(HOST_KEY_FILE))],
        ..KeySources::default()
    }
}

/// The key sources in the usual places: where hosts and people keep their keys by default. After them come the key sources that the
/// environment names.
pub(crate) fn usual(root: &Root, variables: KeyVariables) -> KeySources {
    let mut sources = of_host(root);
    add_own_keys(&mut sources, &variables);
    add_variables(&mut sources, variables);
    sources
}

/// The age keys of whoever asks, where sops finds them without a setting or by the environment. No file has to be there. SSH keys
/// are left out: sops cannot use the identities that they are converted to.
pub(crate) fn own_age_keys(variables: KeyVariables) -> KeySources {
    let mut sources = KeySources::default();
    add_own_keys(&mut sources, &variables);
    add_variables(&mut sources, variables);
    sources.ssh_keys.clear();
    sources.ssh_key_command = None;
    sources
}

/// The key sources that the manifest names, and then the key sources of the environment. Keys in the user's home are used only in
/// user mode, and only if the manifest names no key. Root must not use a key that is in somebody's home by chance. A mock needs no
/// key.
pub(crate) fn sources(manifest: &Manifest, variables: KeyVariables) -> KeySources {
    if manifest.is_mock {
        return KeySources::default();
    }
    let are_own = manifest.user_mode && !names_a_key(manifest);
    let mut sources = KeySources {
        ssh_keys: ssh_keys(manifest),
        age_key_files: age_key_file(manifest).into_iter().collect(),
        late_key_file: manifest.late_key_file().map(Path::to_owned),
        age_key_credential: manifest.age_key_credential.as_ref().map(|name| Credential {
            name: name.clone(),
            directory: variables.credentials.clone(),
        }),
        gpg: gpg(manifest, &variables),
        key_services: manifest.key_services.clone(),
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

/// Adds the key sources that `manifest` names to `sources`, those that are not there yet.
pub(crate) fn add_named(sources: &mut KeySources, manifest: &Manifest) {
    for key in ssh_keys(manifest) {
        match sources.ssh_keys.iter_mut().find(|known| known.file.path == key.file.path) {
            Some(known) => {
                known.is_for_pgp |= key.is_for_pgp;
                known.file.is_default &= key.file.is_default;
            }
            None => sources.ssh_keys.push(key),
        }
    }
    if let Some(key) = age_key_file(manifest) {
        match sources.age_key_files.iter_mut().find(|known| known.path == key.path) {
            Some(known) => known.is_default &= key.is_default,
            None => sources.age_key_files.push(key),
        }
    }
    sources.gpg = sources.gpg.take().or_else(|| gpg(manifest, &KeyVariables::default()));
}

fn names_a_key(manifest: &Manifest) -> bool {
    let mut ssh = manifest.age_ssh_key_paths.iter().chain(&manifest.ssh_key_paths);
    let files = [&manifest.age_key_file, &manifest.gnupg_home];
    ssh.next().is_some() || manifest.age_key_credential.is_some() || files.into_iter().any(Option::is_some)
}

/// The SSH keys that the manifest names. A key that is named both for age and for OpenPGP is listed once, for both.
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

/// The file of age identities that the manifest names. There is no warning if it is missing and may come late.
fn age_key_file(manifest: &Manifest) -> Option<KeyFile> {
    let file = manifest.age_key_file.as_deref().map(key_file)?;
    Some(KeyFile {
        is_default: file.is_default || manifest.late_key_file().is_some(),
        ..file
    })
}

/// A key file. The Nix modules name the host keys of sshd without being asked, and not every host has a key of each type. So a key
/// below `/etc/ssh` counts as a default, and there is no warning if it is missing.
fn key_file(path: &Path) -> KeyFile {
    KeyFile {
        path: path.to_owned(),
        is_default: path.starts_with(SSHD),
    }
}

/// Whether and how gpg is used. gpg is used if a `GnuPG` home is named. In user mode, gpg is also used if the environment names
/// the gpg program, because gpg finds the `GnuPG` home of the user without a setting.
fn gpg(manifest: &Manifest, variables: &KeyVariables) -> Option<GpgSource> {
    let home = manifest.gnupg_home.clone().or_else(|| variables.gnupg_home.clone());
    let is_wanted = home.is_some() || (manifest.user_mode && variables.gpg.is_some());
    is_wanted.then(|| GpgSource {
        program: variables.gpg.clone().unwrap_or_else(|| PathBuf::from("gpg")),
        home,
    })
}

/// A key file that nobody has named, so that it may be missing.
fn default(path: PathBuf) -> KeyFile {
    KeyFile { path, is_default: true }
}

/// Adds the keys in the user's home that sops also finds without a setting.
fn add_own_keys(sources: &mut KeySources, variables: &KeyVariables) {
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

/// Adds the key sources that the environment names.
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
