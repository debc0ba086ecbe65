//! Makes SSH private keys from their numbers.

use curve25519_dalek::EdwardsPoint;
use ssh_key::{
    Mpint, PrivateKey,
    private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, RsaKeypair, RsaPrivateKey},
    public::{Ed25519PublicKey, RsaPublicKey},
};
use zeroize::Zeroizing;

use super::conversion::scalar;

/// The ed25519 key that belongs to a seed of 32 bytes. Returns `None` if the seed has another length.
pub(crate) fn ed25519_key(seed: &[u8]) -> Option<PrivateKey> {
    let private = Ed25519PrivateKey::try_from(seed).ok()?;
    let point = EdwardsPoint::mul_base_clamped(*scalar(private.as_ref()));
    let public = Ed25519PublicKey(point.compress().to_bytes());
    PrivateKey::try_from(KeypairData::Ed25519(Ed25519Keypair { public, private })).ok()
}

/// The RSA key with these positive, big-endian numbers: modulus, public exponent, private exponent, coefficient, and both primes.
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

/// The public half of an RSA key with this modulus and this public exponent, both big-endian.
pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    Some(RsaPublicKey {
        e: positive(exponent)?,
        n: positive(modulus)?,
    })
}

/// Makes a positive number from its big-endian bytes. Zero bytes in front are dropped. If the first bit of the rest is set, one
/// zero byte is added in front, since the number would be negative without this byte.
///
/// The `ssh-key` crate would add the zero byte in a growing buffer, which leaves a copy of the number in memory. So the byte is
/// added here, in a buffer of the right size.
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
