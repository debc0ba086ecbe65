//! Reads the answers of an age plugin. A key is taken only from an answer that gives a key. The words of the plugin are shown in
//! one line, without the secrets that the plugin was told.
//!
//! The first byte of the input is the number of messages about which the plugin is asked. The rest is what the plugin writes.
#![no_main]

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use sops_install_secrets::fuzzing::plugin_answers;
use sops_install_secrets_fuzz::{
    messages::{PLANTED, assert_discreet},
    timed_fuzz_target,
};

timed_fuzz_target!(|input: &[u8]| {
    let Some((count, text)) = input.split_first() else { return };
    let count = usize::from(count % 8);
    let answers = plugin_answers(text, count, PLANTED);
    assert_eq!(answers.len(), count);
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Ok(key) => assert!(was_given(text, index, key), "message {index}"),
            Err(failure) => {
                assert_discreet(failure);
                assert!(failure.chars().count() < 400, "{failure}");
                assert!(
                    !failure.contains("AGE-PLUGIN-1") && !failure.contains("AGE-SECRET-KEY-"),
                    "{failure}"
                );
            }
        }
    }
});

/// Whether the plugin gives this key for this message anywhere in its answers.
fn was_given(text: &[u8], index: usize, key: &[u8]) -> bool {
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    let body = BASE64_STANDARD_NO_PAD.encode(key);
    lines.windows(2).any(|lines| {
        let number = lines[0]
            .strip_prefix(b"-> file-key ")
            .and_then(|number| str::from_utf8(number).ok());
        number.is_some_and(|number| number.parse() == Ok(index)) && lines[1] == body.as_bytes()
    })
}
