//! age messages, which hold the data key: no header opens that was not made for a key of ours, and none makes trouble.
//!
//! The first byte chooses: the text as it stands in a file, or the bytes below the armor, which is then put on.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sops_install_secrets::keys::{KeySources, Keyring};
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

struct Keys(Keyring);

// One thread is all that a fuzzer has.
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
        // The name plays no part.
        assert_eq!(keys::opens(&keys.0, &keys::age(&text, text.clone())), opened);
    });
});

/// An armored file, as RFC 7468 and the age specification have it.
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
