//! Converts RSA SSH keys to OpenPGP keys, as `ssh-to-pgp` and sops-nix do.

use std::sync::OnceLock;

use sha1::{Digest, Sha1, digest::Output};
use ssh_key::{
    Mpint, PrivateKey,
    private::{KeypairData, RsaKeypair},
    public::RsaPublicKey,
};
use zeroize::Zeroizing;

use crate::keys::rsa::RsaKey;

/// The number of the RSA algorithm in OpenPGP (RFC 9580, 9.1).
const RSA: u8 = 1;
/// The old number of RSA for keys that can only encrypt.
const RSA_ENCRYPT_ONLY: u8 = 2;

/// Limit: an RSA ciphertext may be shorter than the modulus by at most this many bytes. A ciphertext is shorter if it begins with
/// zero bytes, because these bytes are left out. Each further zero byte is 256 times less likely.
const MOST_LEADING_ZEROS: usize = 8;

/// An RSA SSH key that was converted to an OpenPGP key of version 4, without subkeys. Its creation time is second 0 of 1970.
pub(crate) struct PgpKey {
    pair: RsaKeypair,
    fingerprint: String,
    id: [u8; 8],
    /// The key with the additional numbers that make decryption fast. The numbers are computed on first use, because the
    /// computation takes longer than the rest of a run.
    prepared: OnceLock<Option<Box<RsaKey>>>,
}

impl PgpKey {
    /// Converts an SSH key to an OpenPGP key. Returns `None` if the SSH key is not RSA, is encrypted, or has more than 65535 bits,
    /// the largest size of an OpenPGP key.
    pub(crate) fn from_ssh(key: &PrivateKey) -> Option<Self> {
        let KeypairData::Rsa(pair) = key.key_data() else {
            return None;
        };
        let digest = fingerprint(&pair.public)?;
        Some(Self {
            pair: pair.clone(),
            fingerprint: format!("{digest:X}"),
            id: *digest.as_slice().last_chunk()?,
            prepared: OnceLock::new(),
        })
    }

    /// The fingerprint of the key: 40 upper-case hex digits.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether `fingerprint`, as a sops file spells it, belongs to this key. Blanks between the digits are ignored, since older
    /// files have them.
    pub(crate) fn is_named(&self, fingerprint: &str) -> bool {
        let digits = fingerprint.chars().filter(|c| !c.is_whitespace());
        digits.map(|c| c.to_ascii_uppercase()).eq(self.fingerprint.chars())
    }

    /// The key ID, by which a message names the key: the last 64 bits of the fingerprint.
    pub(crate) fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Whether `encrypted` has the length of a ciphertext for this key: the length of the modulus, or a few bytes less.
    pub(crate) fn fits(&self, encrypted: &[u8]) -> bool {
        let modulus = self.pair.public.n.as_positive_bytes().map_or(0, <[u8]>::len);
        (modulus.saturating_sub(MOST_LEADING_ZEROS)..=modulus).contains(&encrypted.len())
    }

    /// Decrypts an RSA ciphertext with the padding of PKCS#1 v1.5. Returns `None` if `encrypted` is for another key, or if the
    /// numbers of this key are invalid.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.prepared.get_or_init(|| RsaKey::new(&self.pair).map(Box::new));
        key.as_ref()?.decrypt_pkcs1(encrypted)
    }

    #[cfg(test)]
    pub(crate) fn is_prepared(&self) -> bool {
        self.prepared.get().is_some()
    }
}

/// Whether `algorithm` is a number of RSA keys that can encrypt.
pub(crate) fn is_rsa(algorithm: u8) -> bool {
    matches!(algorithm, RSA | RSA_ENCRYPT_ONLY)
}

/// The fingerprint of an RSA key of version 4 whose creation time is second 0 (RFC 9580, 5.5.4.2).
pub(crate) fn fingerprint(key: &RsaPublicKey) -> Option<Output<Sha1>> {
    let mut packet = vec![4, 0, 0, 0, 0, RSA];
    for number in [&key.n, &key.e] {
        packet.extend(u16::try_from(bits(number)?).ok()?.to_be_bytes());
        packet.extend(number.as_positive_bytes()?);
    }
    let digest = Sha1::new_with_prefix([0x99])
        .chain_update(u16::try_from(packet.len()).ok()?.to_be_bytes())
        .chain_update(packet);
    Some(digest.finalize())
}

/// The number of bits of a number. `None` if the number is negative or 0.
pub(crate) fn bits(number: &Mpint) -> Option<usize> {
    let bytes = number.as_positive_bytes()?;
    Some(bytes.len() * 8 - usize::try_from(bytes.first()?.leading_zeros()).ok()?)
}
