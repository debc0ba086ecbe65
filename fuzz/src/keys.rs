//! Key texts as the host has them: in files.

use std::{fs, path::PathBuf, sync::LazyLock};

use sops_install_secrets::{
    keys::{KeyFile, KeySources, Keyring, DataKeyRecovery, SshKeyFile},
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
    },
};

use crate::messages::assert_discreet;

/// A directory in memory, of this process alone.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let parent = if shared.is_dir() { shared } else { std::env::temp_dir() };
    let directory = parent.join(format!("sops-install-secrets-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for key files");
    directory
});

/// A file with this content.
///
/// # Panics
/// When there is no place for it.
#[must_use]
pub fn file(name: &str, content: &[u8]) -> KeyFile {
    let path = DIRECTORY.join(name);
    fs::write(&path, content).expect("a key file");
    KeyFile { path, is_default: false }
}

/// A file of the fixtures.
#[must_use]
pub fn fixture(name: &str) -> KeyFile {
    KeyFile {
        path: PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/fixtures/keys")
            .join(name),
        is_default: false,
    }
}

/// The same, as an SSH key that also counts as an OpenPGP key.
#[must_use]
pub fn ssh(file: KeyFile) -> SshKeyFile {
    SshKeyFile { file, is_for_pgp: true }
}

/// The keys that these sources hold; all that is said about them shows nothing of them.
///
/// # Panics
/// When something does.
#[must_use]
pub fn load(sources: &KeySources) -> Keyring {
    let mut keyring = Keyring::load(sources);
    keyring.take_notices().iter().for_each(assert_discreet);
    keyring
}

/// A file's groups with one age entry.
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

/// Tries to open a file; gives whether that worked. A report has no control characters but its line breaks.
///
/// # Panics
/// When a message is not presentable, or what opened is no data key.
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
            no_key.report(&|words| format!("sops {words} secrets.yaml")).lines().for_each(|line| assert_discreet(&line));
            false
        }
    }
}
