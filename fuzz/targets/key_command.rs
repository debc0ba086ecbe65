//! Splits the text of a key command into words. The command is not run here. The text is either accepted, or refused by a message
//! that does not show it.
#![no_main]

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use sops_install_secrets::keys::KeySources;
use sops_install_secrets_fuzz::{keys, timed_fuzz_target};

timed_fuzz_target!(|text: &[u8]| {
    let command = || Some(OsString::from_vec(text.to_vec()));
    let keyring = keys::load(&KeySources {
        age_key_command: command(),
        ssh_key_command: command(),
        ..KeySources::default()
    });
    assert!(!keys::opens(&keyring, &keys::age("age1x", String::new())));
});
