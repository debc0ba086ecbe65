//! Decrypts values with AES-GCM as sops uses it: nonces of 32 bytes, and the path of the value as associated data.

use aes_gcm::{
    AeadInPlace, AesGcm, KeyInit, Nonce, Tag,
    aead::{
        consts::{U12, U16, U32},
        generic_array::ArrayLength,
    },
    aes::{
        Aes128, Aes192, Aes256,
        cipher::{BlockCipher, BlockEncrypt, BlockSizeUser},
    },
};

use super::value::{EncryptedValue, TokenError};
use crate::system::plaintext::Plaintext;

/// The length of a GCM authentication tag in bytes.
const TAG_LENGTH: usize = 16;

/// The data key of a sops file, prepared for decryption with AES.
pub(crate) struct DataKey(Aes);

enum Aes {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl DataKey {
    /// Prepares a data key for AES. Returns `None` if the key has a length that AES does not support. sops makes keys of 32
    /// bytes, and also accepts keys of 16 and 24 bytes.
    pub(crate) fn new(key: &Plaintext) -> Option<Self> {
        let key = key.expose();
        Some(Self(match key.len() {
            16 => Aes::Aes128(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Aes::Aes192(Box::new(Aes192::new_from_slice(key).ok()?)),
            // AES-256 refuses every length but 32 bytes, so a data key of a wrong length fails here.
            _ => Aes::Aes256(Box::new(Aes256::new_from_slice(key).ok()?)),
        }))
    }

    /// Decrypts `token`. `associated` is the path of the token in the file, which sops passes to AES-GCM as associated data.
    /// The plaintext replaces the ciphertext in the same buffer, so a large value is in memory only once.
    ///
    /// # Errors
    /// When the token does not authenticate, or its nonce has an unknown length.
    pub(crate) fn decrypt(&self, token: EncryptedValue<'_>, associated: &[u8]) -> Result<Plaintext, TokenError> {
        match &self.0 {
            Aes::Aes128(aes) => with_nonce(&**aes, token, associated),
            Aes::Aes192(aes) => with_nonce(&**aes, token, associated),
            Aes::Aes256(aes) => with_nonce(&**aes, token, associated),
        }
    }
}

/// Decrypts `token` with the cipher for the length of its nonce. In the library, this length is part of the type of the cipher,
/// so this function chooses the type.
fn with_nonce<A>(aes: &A, token: EncryptedValue<'_>, associated: &[u8]) -> Result<Plaintext, TokenError>
where
    A: BlockCipher + BlockSizeUser<BlockSize = U16> + BlockEncrypt + Clone,
{
    match token.iv.len() {
        12 => open::<A, U12>(aes, token, associated),
        16 => open::<A, U16>(aes, token, associated),
        32 => open::<A, U32>(aes, token, associated),
        other => Err(TokenError::Malformed(format!(
            "the iv has {other} bytes instead of 12, 16 or 32"
        ))),
    }
}

/// Decrypts `token` in place, with a nonce of `N` bytes.
fn open<A, N>(aes: &A, token: EncryptedValue<'_>, associated: &[u8]) -> Result<Plaintext, TokenError>
where
    A: BlockCipher + BlockSizeUser<BlockSize = U16> + BlockEncrypt + Clone,
    N: ArrayLength<u8>,
{
    let EncryptedValue { data, iv, tag, .. } = token;
    let mut text = data;
    // A tag of another length is not refused, because sops accepts such a tag: Go joins ciphertext and tag to one text, and
    // takes the last 16 bytes of this text as the tag.
    if tag.len() != TAG_LENGTH {
        text.push(&tag);
    }
    let (tag, length) = match tag.len() {
        TAG_LENGTH => (tag, text.len()),
        _ => split_tag(&text)?,
    };
    text.truncate(length);
    AesGcm::<A, N>::from(aes.clone())
        .decrypt_in_place_detached(
            Nonce::<N>::from_slice(&iv),
            associated,
            text.expose_mut(),
            Tag::<U16>::from_slice(&tag),
        )
        .map_err(|_| TokenError::Authentication)?;
    Ok(text)
}

/// Finds the tag at the end of a ciphertext. Returns the tag, and the length of the ciphertext before the tag.
fn split_tag(sealed: &Plaintext) -> Result<(Vec<u8>, usize), TokenError> {
    let length = sealed.len().checked_sub(TAG_LENGTH).ok_or(TokenError::Authentication)?;
    let tag = sealed.expose().get(length..).ok_or(TokenError::Authentication)?;
    Ok((tag.to_vec(), length))
}
