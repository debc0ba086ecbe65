//! Reads age identities as text, from a file and from the variable. Both must give the same identities, and no message may show a
//! line that is no identity.
#![no_main]

use sops_install_secrets::{keys::KeySources, system::plaintext::Plaintext};
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

timed_fuzz_target!(|text: &[u8]| {
    let file = keys::load(&KeySources {
        age_key_files: vec![keys::file("identities", text)],
        ..KeySources::default()
    });
    let variable = keys::load(&KeySources {
        age_key: Some(Plaintext::from(text.to_vec())),
        ..KeySources::default()
    });
    for keyring in [file, variable] {
        let opened = keys::opens(&keyring, &keys::age("age1x", String::new()));
        assert!(!opened);
    }
});
