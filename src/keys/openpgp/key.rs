//! RSA SSH keys as OpenPGP keys, in the way of `ssh-to-pgp` and of sops-nix.

use std::sync::OnceLock;

use rsa::{BigUint, Pkcs1v15Encrypt, RsaPrivateKey};
use sha1::{Digest, Sha1, digest::Output};
use ssh_key::{
    Mpint, PrivateKey,
    private::{KeypairData, RsaKeypair},
};
use zeroize::Zeroizing;

/// The number of RSA among the algorithms of OpenPGP (RFC 9580, 9.1).
const RSA: u8 = 1;
/// The former number of RSA keys that only encrypt.
const RSA_ENCRYPT_ONLY: u8 = 2;

/// How many bytes an RSA ciphertext may be shorter than the modulus. Each further byte is 256 times less likely.
const MOST_LEADING_ZEROS: usize = 8;

/// An RSA SSH key, converted to an OpenPGP key: version 4, made at second 0 of 1970, without subkeys.
pub(crate) struct PgpKey {
    pair: RsaKeypair,
    fingerprint: String,
    id: [u8; 8],
    /// The key with the numbers that make decryption fast. They are computed on first use, since that takes longer than the rest of a run.
    prepared: OnceLock<Option<RsaPrivateKey>>,
}

impl PgpKey {
    /// The OpenPGP key of an SSH key. `None` if that is not RSA, is encrypted, or has more bits than an OpenPGP key can have (65535).
    pub(crate) fn from_ssh(key: &PrivateKey) -> Option<Self> {
        let KeypairData::Rsa(pair) = key.key_data() else {
            return None;
        };
        let digest = fingerprint(&pair.public.n, &pair.public.e)?;
        Some(Self {
            pair: pair.clone(),
            fingerprint: format!("{digest:X}"),
            id: *digest.as_slice().last_chunk()?,
            prepared: OnceLock::new(),
        })
    }

    /// 40 upper-case hex digits.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether `fingerprint`, as a sops file spells it, is this key. Older files group the digits by blanks.
    pub(crate) fn is_named(&self, fingerprint: &str) -> bool {
        let digits = fingerprint.chars().filter(|c| !c.is_whitespace());
        digits.map(|c| c.to_ascii_uppercase()).eq(self.fingerprint.chars())
    }

    /// How a message names the key: the last 64 bits of the fingerprint.
    pub(crate) fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Whether `encrypted` is as long as a ciphertext for this key: as the modulus, or a few bytes less. A ciphertext that is much shorter
    /// is too unlikely to occur.
    pub(crate) fn fits(&self, encrypted: &[u8]) -> bool {
        let modulus = self.pair.public.n.as_positive_bytes().map_or(0, <[u8]>::len);
        (modulus.saturating_sub(MOST_LEADING_ZEROS)..=modulus).contains(&encrypted.len())
    }

    /// Decrypts RSA with the padding of PKCS#1 v1.5. `None` if `encrypted` is for another key, or if this key is not a valid one.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.prepared.get_or_init(|| prepare(&self.pair)).as_ref()?;
        key.decrypt(Pkcs1v15Encrypt, encrypted).ok().map(Zeroizing::new)
    }

    #[cfg(test)]
    pub(crate) fn is_prepared(&self) -> bool {
        self.prepared.get().is_some()
    }
}

/// Whether the algorithm with this number is RSA that can encrypt.
pub(crate) fn is_rsa(algorithm: u8) -> bool {
    matches!(algorithm, RSA | RSA_ENCRYPT_ONLY)
}

/// The fingerprint of a version 4 RSA key that was made at second 0 (RFC 9580, 5.5.4.2).
fn fingerprint(modulus: &Mpint, exponent: &Mpint) -> Option<Output<Sha1>> {
    let mut packet = vec![4, 0, 0, 0, 0, RSA];
    for number in [modulus, exponent] {
        let bytes = number.as_positive_bytes()?;
        let bits = bytes.len() * 8 - usize::try_from(bytes.first()?.leading_zeros()).ok()?;
        packet.extend(u16::try_from(bits).ok()?.to_be_bytes());
        packet.extend(bytes);
    }
    let digest = Sha1::new_with_prefix([0x99])
        .chain_update(u16::try_from(packet.len()).ok()?.to_be_bytes())
        .chain_update(packet);
    Some(digest.finalize())
}

/// The key, checked, with the numbers that make decryption fast.
fn prepare(pair: &RsaKeypair) -> Option<RsaPrivateKey> {
    let number = |number: &Mpint| number.as_positive_bytes().map(BigUint::from_bytes_be);
    RsaPrivateKey::from_components(
        number(&pair.public.n)?,
        number(&pair.public.e)?,
        number(&pair.private.d)?,
        vec![number(&pair.private.p)?, number(&pair.private.q)?],
    )
    .ok()
}
