//! Decrypts the data of an OpenPGP message with its session key.

use aes::{Aes128, Aes192, Aes256};
use cfb_mode::{
    Decryptor,
    cipher::{AsyncStreamCipher, Block, BlockCipher, BlockEncryptMut, InnerIvInit, KeyInit},
};
use des::TdesEde3;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::{keys::failure::EntryFailure, system::plaintext::Plaintext};

/// The header of the packet that holds the modification detection code. The code is the SHA-1 of all bytes that precede the code,
/// this header included (RFC 9580, 5.13.1).
const CODE_HEADER: [u8; 2] = [0xd3, 0x14];
/// The length of the modification detection code in bytes.
const CODE_BYTES: usize = 20;

/// The symmetric key that the sender made for one message.
pub(crate) struct SessionKey {
    cipher: Cipher,
    key: Zeroizing<Vec<u8>>,
}

/// Decrypts `data` in place, in the cipher mode CFB, with a block of zeros as initialization vector. Returns `None` if the length
/// of `key` is wrong for the cipher.
type Decrypt = fn(key: &[u8], data: &mut [u8]) -> Option<()>;

/// A symmetric cipher of OpenPGP: the length of its key, the length of its blocks, and how to decrypt with it.
struct Cipher {
    key_bytes: usize,
    block_bytes: usize,
    decrypt: Decrypt,
}

impl Cipher {
    /// The cipher that has the number `number` in OpenPGP (RFC 9580, 9.3).
    ///
    /// An OpenPGP key that `ssh-to-pgp` or sops-nix made of an SSH key names no ciphers. For such a key, gpg uses 3DES, and the
    /// OpenPGP library of sops uses AES-128. gpg uses an unsupported cipher only if somebody forces gpg to use it.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::Unsupported`] for a cipher of gpg that is not supported here, [`EntryFailure::Damaged`] for any other
    /// number.
    fn numbered(number: u8) -> Result<Self, EntryFailure> {
        let (key_bytes, block_bytes, decrypt): (_, _, Decrypt) = match number {
            1 => return Err(EntryFailure::Unsupported("OpenPGP encryption with IDEA")),
            2 => (24, 8, decrypt::<TdesEde3>),
            3 => return Err(EntryFailure::Unsupported("OpenPGP encryption with CAST5")),
            4 => return Err(EntryFailure::Unsupported("OpenPGP encryption with Blowfish")),
            7 => (16, 16, decrypt::<Aes128>),
            8 => (24, 16, decrypt::<Aes192>),
            9 => (32, 16, decrypt::<Aes256>),
            10 => return Err(EntryFailure::Unsupported("OpenPGP encryption with Twofish")),
            11..=13 => return Err(EntryFailure::Unsupported("OpenPGP encryption with Camellia")),
            _ => return Err(EntryFailure::Damaged),
        };
        Ok(Self {
            key_bytes,
            block_bytes,
            decrypt,
        })
    }
}

impl SessionKey {
    /// Parses what was encrypted with RSA: the number of the cipher, the key, and the sum of the key's bytes (RFC 9580, 5.1.3).
    ///
    /// # Errors
    ///
    /// [`EntryFailure::Damaged`] if the sum or the length of the key is wrong, [`EntryFailure::Unsupported`] if the cipher is not
    /// supported.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, EntryFailure> {
        let (number, key) = summed(text).ok_or(EntryFailure::Damaged)?;
        let cipher = Cipher::numbered(number)?;
        if key.len() != cipher.key_bytes {
            return Err(EntryFailure::Damaged);
        }
        let key = Zeroizing::new(key.to_vec());
        Ok(Self { cipher, key })
    }

    /// Decrypts the body of a packet of protected data, version 1 (RFC 9580, 5.13.1), and returns the packets in the body.
    /// Returns `None` if any bit of the body was changed.
    ///
    /// Before the packets stand a random block, and a copy of its last two bytes. The copy is not compared with the block, since
    /// attackers have used such a comparison to learn about the plaintext. The modification detection code protects the block and
    /// the copy.
    pub(crate) fn open(&self, body: &[u8]) -> Option<Plaintext> {
        let (1, data) = body.split_first().map(|(version, data)| (*version, data))? else {
            return None;
        };
        let mut text = Plaintext::with_capacity(data.len());
        text.push(data);
        (self.cipher.decrypt)(&self.key, text.expose_mut())?;
        let (hashed, code) = text.expose().split_last_chunk::<CODE_BYTES>()?;
        if Sha1::digest(hashed)[..] != code[..] {
            return None;
        }
        let packets = hashed.strip_suffix(&CODE_HEADER)?.get(self.cipher.block_bytes + 2..)?;
        let mut content = Plaintext::with_capacity(packets.len());
        content.push(packets);
        Some(content)
    }
}

/// Splits `text` into the number of the cipher, the key, and the sum of the bytes of the key. Returns the number and the key.
/// Returns `None` if the sum is wrong.
fn summed(text: &[u8]) -> Option<(u8, &[u8])> {
    let (number, text) = text.split_first()?;
    let (key, written) = text.split_last_chunk()?;
    let sum = key.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    (u16::from_be_bytes(*written) == sum).then_some((*number, key))
}

/// Decrypts with the cipher `C`; see [`Decrypt`].
fn decrypt<C: BlockCipher + BlockEncryptMut + KeyInit>(key: &[u8], data: &mut [u8]) -> Option<()> {
    let cipher = C::new_from_slice(key).ok()?;
    Decryptor::inner_iv_init(cipher, &Block::<C>::default()).decrypt(data);
    Some(())
}
