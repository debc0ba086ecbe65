//! Opens sealed file keys with HPKE, hybrid public key encryption (RFC 9180). Only the base mode is here, and only for the first
//! message of a sender, without associated data.

use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305, KeyInit};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::kem::SharedSecret;

/// An encrypted file key: 16 bytes of ciphertext, then the 16 bytes of the tag that authenticates them.
pub(crate) type SealedFileKey = [u8; 32];

/// The label of the HPKE version, which is part of every derivation (RFC 9180, 4).
const VERSION: &[u8] = b"HPKE-v1";
/// The identifier of the cipher suite (RFC 9180, 5.1): the key encapsulation MLKEM768-X25519 (`0x647a`, draft-ietf-hpke-pq),
/// HKDF-SHA256 and ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
/// The number of the base mode, which uses neither a pre-shared key nor a key of the sender.
const MODE: &[u8] = &[0];

/// Decrypts `sealed` into `key`. Returns `None` if `shared` is not the secret that `sealed` was encrypted with, or if `sealed`
/// was altered.
pub(crate) fn open(shared: &SharedSecret, info: &[u8], sealed: &SealedFileKey, key: &mut [u8; 16]) -> Option<()> {
    let (text, tag) = sealed.split_at(key.len());
    key.copy_from_slice(text);
    let (cipher, nonce) = schedule(shared, info)?;
    cipher.decrypt_in_place_detached((&*nonce).into(), b"", key, tag.into()).ok()
}

/// The key schedule (RFC 9180, 5.1): derives the cipher and the nonce of the first message from the shared secret.
fn schedule(shared: &SharedSecret, info: &[u8]) -> Option<(ChaCha20Poly1305, Zeroizing<[u8; 12]>)> {
    let (psk_id_hash, _) = extract(b"", b"psk_id_hash", b"");
    let (info_hash, _) = extract(b"", b"info_hash", info);
    let context = [MODE, psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let (_, secret) = extract(shared.as_slice(), b"secret", b"");
    let key = expand::<32>(&secret, b"key", &context)?;
    let nonce = expand(&secret, b"base_nonce", &context)?;
    Some((ChaCha20Poly1305::new((&*key).into()), nonce))
}

/// `LabeledExtract` (RFC 9180, 4). Gives the pseudorandom key twice: as bytes, and in the form that [`expand`] takes. The second
/// form is a state of HMAC, which the `hkdf` crate cannot wipe.
fn extract(salt: &[u8], label: &[u8], material: &[u8]) -> (Zeroizing<[u8; 32]>, Hkdf<Sha256>) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in [VERSION, SUITE, label, material] {
        extract.input_ikm(part);
    }
    let (mut output, hkdf) = extract.finalize();
    let key = Zeroizing::new(output.into());
    output.as_mut_slice().zeroize();
    (key, hkdf)
}

/// `LabeledExpand` (RFC 9180, 4): derives `LENGTH` bytes from the pseudorandom key `secret`.
fn expand<const LENGTH: usize>(secret: &Hkdf<Sha256>, label: &[u8], context: &[u8]) -> Option<Zeroizing<[u8; LENGTH]>> {
    let length = u16::try_from(LENGTH).ok()?.to_be_bytes();
    let mut bytes = Zeroizing::new([0; LENGTH]);
    let info = [&length, VERSION, SUITE, label, context];
    secret.expand_multi_info(&info, bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn pseudorandom_keys_are_wiped() {
        fn is_wiped(_: &impl ZeroizeOnDrop) {}
        let (key, _) = extract(b"", b"secret", b"");
        is_wiped(&key);
    }
}
