//! Recognizes age recipients.

use age_core::primitives::bech32_decode;

use super::{recipients::SshRecipients, ssh::public_key};

/// Whether sops takes the text for a recipient of age: of X25519, post-quantum, of a plugin, or an SSH public key. What a recipient
/// of a plugin means, only the plugin knows.
pub(crate) fn is_age_recipient(text: &str) -> bool {
    match public_key(text.trim()) {
        Some(line) => SshRecipients::of_line(&line).is_ok_and(|recipients| recipients.ssh.is_some()),
        None => text.starts_with("age1") && is_bech32(text),
    }
}

fn is_bech32(text: &str) -> bool {
    let decoded = bech32_decode(
        text,
        |_| (),
        |_| Ok(()),
        |prefix, bytes| match (prefix.as_str(), bytes.count()) {
            ("age", count) => Ok(count == 32),
            ("age1pq", count) => Ok(count == 1216),
            _ => Ok(true),
        },
    );
    decoded == Ok(true)
}
