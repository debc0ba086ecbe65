//! Reads SSH private keys. A key that can be read gives recipients, and an RSA key also gives an OpenPGP fingerprint. All of these
//! can be shown in one line. A message about a key that cannot be read does not show the key.
//!
//! The first byte of the input chooses between two forms: the text of the file, or bytes that are put below one of the labels.
#![no_main]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sops_install_secrets::keys::KeySources;
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

const LABELS: [&str; 4] = ["OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY"];

timed_fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let text = match LABELS.get(usize::from(*choice)) {
        Some(label) => format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            BASE64_STANDARD.encode(bytes)
        )
        .into_bytes(),
        None => bytes.to_vec(),
    };
    let keyring = keys::load(&KeySources {
        ssh_keys: vec![keys::ssh(keys::file("ssh_key", &text))],
        ..KeySources::default()
    });
    // The message is for nobody, so the report names all keys.
    let opened = keys::opens(&keyring, &keys::age("age1x", String::new()));
    assert!(!opened);
});
