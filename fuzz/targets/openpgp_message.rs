//! Reads OpenPGP messages. Whatever was changed in a message, the opened content must be the content of one of the fixtures.
//!
//! The first byte of the input chooses between two forms: the text as in a file, or bytes that are then armored.
#![no_main]

use std::{fs, path::Path, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sops_install_secrets::{
    fuzzing::pgp_content,
    keys::{KeySources, Keyring},
    sops::metadata::{KeyGroup, KeyGroups, MasterKey},
};
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

/// The content of all messages that were ever written to the key. The fixtures in `sops/` are not listed: their content is a data
/// key of 32 bytes, and no other message has a content of this length.
static CONTENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/openpgp/content");
    let files = fs::read_dir(directory).expect("the contents");
    files
        .map(|file| fs::read(file.expect("a content").path()).expect("a content"))
        .collect()
});

/// The length of the data keys of sops.
const DATA_KEY: usize = 32;

// The fuzzer has only one thread.
thread_local! {
    static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
        keys::load(&KeySources {
            ssh_keys: vec![keys::ssh(keys::fixture("ssh_rsa"))],
            ..KeySources::default()
        })
    });
}

timed_fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let text = if choice % 2 == 0 {
        let body = BASE64_STANDARD.encode(bytes);
        format!("-----BEGIN PGP MESSAGE-----\n\n{body}\n-----END PGP MESSAGE-----\n")
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    KEYS.with(|keyring| {
        let Ok(content) = pgp_content(keyring, &text) else {
            return assert!(!keys::opens(keyring, &pgp(text)));
        };
        let is_known = content.len() == DATA_KEY || CONTENTS.iter().any(|known| known == content.expose());
        assert!(is_known, "{}", content.expose().escape_ascii());
    });
});

/// The key groups of a file with a single OpenPGP entry.
fn pgp(encrypted: String) -> KeyGroups {
    let key = MasterKey::Pgp {
        fingerprint: "0".repeat(40),
        encrypted,
    };
    KeyGroups {
        groups: vec![KeyGroup { keys: vec![key] }],
        threshold: 0,
    }
}
