//! Converts an ed25519 SSH key to an age identity.

use curve25519_dalek::edwards::CompressedEdwardsY;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use crate::keys::x25519::{self, X25519Identity};

/// The age identity that the ed25519 key with this seed is converted to, in the way of `ssh-to-age`.
pub(crate) fn convert(seed: &[u8; 32]) -> X25519Identity {
    X25519Identity::new(scalar(seed))
}

/// The age recipient that the ed25519 public key is converted to, in the way of `ssh-to-age`: the same point of the curve in its
/// Montgomery form. `None` if `key` is no point of the curve.
pub(crate) fn converted_recipient(key: &[u8; 32]) -> Option<String> {
    let point = CompressedEdwardsY(*key).decompress()?.to_montgomery();
    Some(x25519::recipient(&point))
}

/// The scalar with which an ed25519 key signs (RFC 8032, 5.1.5), before some of its bits are fixed ("clamped"). The scalar is not
/// clamped here, because each use of the scalar clamps it.
pub(crate) fn scalar(seed: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut digest = Zeroizing::new([0; 64]);
    Sha512::new_with_prefix(seed).finalize_into(digest.as_mut_slice().into());
    let mut scalar = Zeroizing::new([0; 32]);
    scalar.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    scalar
}
