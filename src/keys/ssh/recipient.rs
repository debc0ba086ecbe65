//! SSH public keys as recipients: as a `.sops.yaml` takes them, and as people compare them.

use ssh_key::{Fingerprint, HashAlg, PublicKey};

/// The recipient of this key as a `.sops.yaml` takes it, without comment.
pub(crate) fn recipient(key: &PublicKey) -> Option<String> {
    PublicKey::from(key.key_data().clone()).to_openssh().ok()
}

/// A recipient of a sops file as messages show it, if it is an SSH public key.
pub(crate) fn shown_recipient(recipient: &str) -> Option<String> {
    let without_comment: Vec<_> = recipient.split_whitespace().take(2).collect();
    let key = PublicKey::from_openssh(&without_comment.join(" ")).ok()?;
    Some(shown(key.algorithm().as_str(), &key.fingerprint(HashAlg::Sha256)))
}

/// An SSH public key as messages show it: its kind, and its fingerprint.
pub(crate) fn shown(kind: &str, fingerprint: &Fingerprint) -> String {
    format!("{kind} {fingerprint}")
}
