//! Reads age messages, which hold the data key. A message opens only if its header was made for one of our keys. No header may
//! cause a failure of the program.
//!
//! The first byte of the input chooses between two forms: the text as in a file, or bytes that are then armored.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sops_install_secrets::keys::{KeySources, Keyring};
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

struct Keys(Keyring);

// The fuzzer has only one thread.
thread_local! {
    static KEYS: LazyLock<Keys> = LazyLock::new(|| {
        Keys(keys::load(&KeySources {
            ssh_keys: ["ssh_ed25519", "ssh_rsa"].map(|name| keys::ssh(keys::fixture(name))).into(),
            age_key_files: vec![keys::fixture("age.txt")],
            ..KeySources::default()
        }))
    });
}

timed_fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let text = if choice % 2 == 0 {
        armored(bytes)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    KEYS.with(|keys| {
        let opened = keys::opens(&keys.0, &keys::age("age1x", text.clone()));
        // The name of the recipient makes no difference.
        assert_eq!(keys::opens(&keys.0, &keys::age(&text, text.clone())), opened);
    });
});

/// An armored message, as RFC 7468 and the age specification describe it.
fn armored(bytes: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(bytes);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN AGE ENCRYPTED FILE-----\n{}\n-----END AGE ENCRYPTED FILE-----\n",
        lines.join("\n")
    )
}
