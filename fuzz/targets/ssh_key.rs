//! SSH private keys: what is read gives recipients, and of RSA keys OpenPGP fingerprints, that are shown in one line; what is not is
//! said without showing it.
//!
//! The first byte chooses: the text of the file, or the bytes below one of the labels.
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
    // A message for nobody: the report names all the keys.
    let opened = keys::opens(&keyring, &keys::age("age1x", String::new()));
    assert!(!opened);
});
