//! What age makes of an SSH key: the age identity that it converts to, and the one of age itself for stanzas that name it.

use ::age::x25519;
use bech32::{Bech32, Hrp};
use sha2::{Digest as _, Sha512};
use ssh_key::{LineEnding, PrivateKey};
use zeroize::Zeroizing;

/// The age identity of an ed25519 seed.
pub(crate) fn convert(seed: &[u8; 32]) -> Option<x25519::Identity> {
    let scalar = scalar(seed);
    let hrp = Hrp::parse("AGE-SECRET-KEY-").ok()?;
    let text = Zeroizing::new(bech32::encode_upper::<Bech32>(hrp, &*scalar).ok()?);
    text.parse().ok()
}

/// The scalar with which an ed25519 key signs (RFC 8032, 5.1.5), before clamping. X25519 clamps it itself.
pub(crate) fn scalar(seed: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut digest = Zeroizing::new([0; 64]);
    Sha512::new_with_prefix(seed).finalize_into(digest.as_mut_slice().into());
    let mut scalar = Zeroizing::new([0; 32]);
    scalar.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    scalar
}

/// The key as an identity of the `age` crate, for stanzas that name it. The crate takes only text in the form of OpenSSH, and does not wipe
/// the copy that it makes while reading. That is one more reason to do this only for keys that a message names.
pub(crate) fn native(key: &PrivateKey) -> Option<::age::ssh::Identity> {
    let text = key.to_openssh(LineEnding::LF).ok()?;
    ::age::ssh::Identity::from_buffer(text.as_bytes(), None).ok()
}
