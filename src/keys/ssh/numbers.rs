//! SSH keys from their numbers.

use curve25519_dalek::EdwardsPoint;
use ssh_key::{
    Mpint, PrivateKey,
    private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, RsaKeypair, RsaPrivateKey},
    public::{Ed25519PublicKey, RsaPublicKey},
};
use zeroize::Zeroizing;

use super::conversion::scalar;

/// The ed25519 key of a seed.
pub(crate) fn ed25519_key(seed: &[u8]) -> Option<PrivateKey> {
    let private = Ed25519PrivateKey::try_from(seed).ok()?;
    let point = EdwardsPoint::mul_base_clamped(*scalar(private.as_ref()));
    let public = Ed25519PublicKey(point.compress().to_bytes());
    PrivateKey::try_from(KeypairData::Ed25519(Ed25519Keypair { public, private })).ok()
}

/// The RSA key of these positive numbers: modulus, public and private exponent, coefficient, both primes.
pub(crate) fn rsa_key([modulus, exponent, private, coefficient, prime, other_prime]: [&[u8]; 6]) -> Option<PrivateKey> {
    let public = rsa_public(modulus, exponent)?;
    let private = RsaPrivateKey {
        d: positive(private)?,
        iqmp: positive(coefficient)?,
        p: positive(prime)?,
        q: positive(other_prime)?,
    };
    PrivateKey::try_from(KeypairData::Rsa(RsaKeypair { public, private })).ok()
}

/// The public half of an RSA key.
pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    Some(RsaPublicKey {
        e: positive(exponent)?,
        n: positive(modulus)?,
    })
}

/// A positive number from big-endian bytes, with any number of zeros in front. If its first bit is set, a zero byte must precede it. The
/// `ssh-key` crate would add that byte in a buffer that grows and leaves a copy of the number behind, so it gets the final bytes.
pub(crate) fn positive(bytes: &[u8]) -> Option<Mpint> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = bytes.get(start..)?;
    let mut number = Zeroizing::new(Vec::with_capacity(digits.len() + 1));
    if digits.first().is_some_and(|first| *first >= 0x80) {
        number.push(0);
    }
    number.extend_from_slice(digits);
    Mpint::from_bytes(&number).ok()
}
