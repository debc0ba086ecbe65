//! Gives the fuzzer's key texts to the program in the way a host does: in files.

use std::{fs, path::PathBuf, sync::LazyLock};

use sops_install_secrets::{
    keys::{DataKeyRecovery, KeyFile, KeySources, Keyring, SshKeyFile},
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
    },
};

use crate::messages::assert_discreet;

/// A directory in memory that only this process uses.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let parent = if shared.is_dir() { shared } else { std::env::temp_dir() };
    let directory = parent.join(format!("sops-install-secrets-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for key files");
    directory
});

/// Writes a key file with this content.
///
/// # Panics
/// If the file cannot be written.
#[must_use]
pub fn file(name: &str, content: &[u8]) -> KeyFile {
    let path = DIRECTORY.join(name);
    fs::write(&path, content).expect("a key file");
    KeyFile { path, is_default: false }
}

/// A key file of the fixtures.
#[must_use]
pub fn fixture(name: &str) -> KeyFile {
    KeyFile {
        path: PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/fixtures/keys")
            .join(name),
        is_default: false,
    }
}

/// An SSH key file whose key also counts as an OpenPGP key.
#[must_use]
pub fn ssh(file: KeyFile) -> SshKeyFile {
    SshKeyFile { file, is_for_pgp: true }
}

/// Loads the keys of these sources, and checks that no notice shows a secret.
///
/// # Panics
/// If a notice shows a secret.
#[must_use]
pub fn load(sources: &KeySources) -> Keyring {
    let mut keyring = Keyring::load(sources);
    keyring.take_notices().iter().for_each(assert_discreet);
    keyring
}

/// The key groups of a file with a single age entry.
#[must_use]
pub fn age(recipient: &str, encrypted: String) -> KeyGroups {
    let key = MasterKey::Age {
        recipient: recipient.to_owned(),
        encrypted,
    };
    KeyGroups {
        groups: vec![KeyGroup { keys: vec![key] }],
        threshold: 0,
    }
}

/// Tries to open a file. Returns whether a key opened it. Checks that the report has no control characters except its line breaks.
///
/// # Panics
/// If a message cannot be shown on a terminal, or if the result is no data key.
#[must_use]
pub fn opens(keyring: &Keyring, groups: &KeyGroups) -> bool {
    let mut recovery = DataKeyRecovery::new(groups, KeyProof::none());
    keyring.open(&mut recovery);
    match keyring.finish(recovery) {
        Ok(key) => {
            assert!(matches!(key.len(), 16 | 24 | 32));
            true
        }
        Err(no_key) => {
            assert_discreet(&no_key);
            no_key
                .report(&|words| format!("sops {words} secrets.yaml"))
                .lines()
                .for_each(|line| assert_discreet(&line));
            false
        }
    }
}
