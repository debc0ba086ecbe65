//! Writes SSH public keys as recipients: in full for a `.sops.yaml`, and as a fingerprint for messages.

use ssh_key::{Fingerprint, HashAlg, PublicKey};

/// The recipient that belongs to the public key, in the form that a `.sops.yaml` takes, without comment.
pub(crate) fn recipient(key: &PublicKey) -> Option<String> {
    PublicKey::from(key.key_data().clone()).to_openssh().ok()
}

/// The kind and the fingerprint of a recipient, for messages. Returns `None` if `recipient` is not an SSH public key.
pub(crate) fn shown_recipient(recipient: &str) -> Option<String> {
    let without_comment: Vec<_> = recipient.split_whitespace().take(2).collect();
    let key = PublicKey::from_openssh(&without_comment.join(" ")).ok()?;
    Some(shown(key.algorithm().as_str(), &key.fingerprint(HashAlg::Sha256)))
}

/// An SSH public key as messages show it: the kind of the key, and its fingerprint.
pub(crate) fn shown(kind: &str, fingerprint: &Fingerprint) -> String {
    format!("{kind} {fingerprint}")
}
