//! Reads private keys in the form of OpenSSH itself, `openssh-key-v1` (`PROTOCOL.key` in OpenSSH).
//!
//! The `ssh-key` crate (0.6) cannot read all such keys. The crate refuses more than seven bytes of padding, and numbers with
//! needless zeros in front. OpenSSH accepts such padding and such numbers, and `PuTTY` writes up to sixteen bytes of padding.

use ssh_key::{
    PrivateKey,
    public::{Ed25519PublicKey, KeyData},
};

use super::numbers::{ed25519_key, rsa_key, rsa_public};
use crate::keys::{damage::Damage, problem::Cause, recognize};

/// The bytes with which every key in this form begins.
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The block size in bytes. The length of the private part must be a multiple of the block size, even if the part is not
/// encrypted.
const BLOCK: usize = 8;

/// Reads a key that has no passphrase. The checks are as strict as the checks of OpenSSH.
///
/// # Errors
///
/// The [`Cause`] to report if the key is damaged, is encrypted, or is of a kind that age does not know.
pub(crate) fn key(bytes: &[u8]) -> Result<PrivateKey, Cause> {
    let mut container = Fields(bytes);
    // The public key is never encrypted. So a kind that age does not know is reported even if the key has a passphrase.
    let (cipher, public) = container.head()?;
    if cipher != b"none" {
        return Err(Cause::EncryptedSshKey);
    }
    let private = container.string()?;
    if !container.0.is_empty() || private.len() % BLOCK != 0 {
        return Err(Cause::DamagedSshKey(Damage::Length));
    }
    let key = Fields(private).private_part()?;
    if key.public_key().key_data() == &public {
        Ok(key)
    } else {
        Err(Cause::DamagedSshKey(Damage::PublicHalf))
    }
}

/// The public half of a key, which is never encrypted. `None` if the key is damaged, or of a kind that age does not know.
pub(crate) fn public_half(bytes: &[u8]) -> Option<KeyData> {
    Fields(bytes).head().ok().map(|(_, public)| public)
}

/// The kinds of SSH keys that age knows.
enum SshKeyType {
    Ed25519,
    Rsa,
}

/// The fields of a key that are not read yet. Each field is a number (4 bytes, big-endian) or a string (its length as such a
/// number, then its bytes).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Reads the fields before the private part. Returns the cipher that encrypts the private part, and the public key.
    fn head(&mut self) -> Result<(&'a [u8], KeyData), Cause> {
        if self.take(MAGIC.len())? != MAGIC {
            return Err(Cause::DamagedSshKey(Damage::Form));
        }
        let [cipher, _derivation, _options] = self.strings()?;
        if self.number()? != 1 {
            return Err(Cause::DamagedSshKey(Damage::SeveralKeys));
        }
        Ok((cipher, Fields(self.string()?).public_key()?))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Cause> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Cause::DamagedSshKey(Damage::CutOff))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize, Cause> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn string(&mut self) -> Result<&'a [u8], Cause> {
        let length = self.number()?;
        self.take(length)
    }

    fn strings<const N: usize>(&mut self) -> Result<[&'a [u8]; N], Cause> {
        let mut strings = [[].as_slice(); N];
        for string in &mut strings {
            *string = self.string()?;
        }
        Ok(strings)
    }

    /// Reads strings that hold positive numbers. A string whose first bit is set would be a negative number, and is an error.
    fn numbers<const N: usize>(&mut self) -> Result<[&'a [u8]; N], Cause> {
        let numbers = self.strings()?;
        if numbers.iter().any(|number| number.first().is_some_and(|byte| *byte > 0x7f)) {
            Err(Cause::DamagedSshKey(Damage::Form))
        } else {
            Ok(numbers)
        }
    }

    fn kind(&mut self) -> Result<SshKeyType, Cause> {
        match self.string()? {
            b"ssh-ed25519" => Ok(SshKeyType::Ed25519),
            b"ssh-rsa" => Ok(SshKeyType::Rsa),
            other => Err(recognize::kind(other).map_or(Cause::DamagedSshKey(Damage::Form), |name| {
                Cause::UnknownSshKind(name.to_owned())
            })),
        }
    }

    fn public_key(&mut self) -> Result<KeyData, Cause> {
        let key = match self.kind()? {
            SshKeyType::Ed25519 => self.ed25519_half().map(KeyData::Ed25519),
            SshKeyType::Rsa => {
                let [e, n] = self.numbers()?;
                rsa_public(n, e).map(KeyData::Rsa)
            }
        };
        key.ok_or(Cause::DamagedSshKey(Damage::Form))
    }

    /// Reads the private part: two equal check numbers, the private key, its comment, and the padding up to the end.
    fn private_part(&mut self) -> Result<PrivateKey, Cause> {
        if self.number()? != self.number()? {
            return Err(Cause::DamagedSshKey(Damage::CheckNumbers));
        }
        let key = self.private_key()?;
        let _comment = self.string()?;
        // The padding counts 1, 2, 3 and so on, one number in each byte. After 255 comes 0.
        let padding = (1..=u8::MAX).chain([0]).cycle();
        if self.0.iter().zip(padding).all(|(byte, number)| *byte == number) {
            Ok(key)
        } else {
            Err(Cause::DamagedSshKey(Damage::Padding))
        }
    }

    fn private_key(&mut self) -> Result<PrivateKey, Cause> {
        match self.kind()? {
            SshKeyType::Ed25519 => self.ed25519_key(),
            SshKeyType::Rsa => rsa_key(self.numbers()?).ok_or(Cause::DamagedSshKey(Damage::Form)),
        }
    }

    /// Reads an ed25519 key: a string with the public half, then a string with the seed and again the public half.
    fn ed25519_key(&mut self) -> Result<PrivateKey, Cause> {
        let [public, both] = self.strings()?;
        let (seed, again) = both.split_at_checked(32).ok_or(Cause::DamagedSshKey(Damage::Form))?;
        let key = ed25519_key(seed).ok_or(Cause::DamagedSshKey(Damage::Form))?;
        let is_public = |half: &[u8]| key.public_key().key_data().ed25519().is_some_and(|public| public.0 == half);
        if is_public(public) && is_public(again) {
            Ok(key)
        } else {
            Err(Cause::DamagedSshKey(Damage::PublicHalf))
        }
    }

    /// Reads the public half of an ed25519 key.
    fn ed25519_half(&mut self) -> Option<Ed25519PublicKey> {
        Ed25519PublicKey::try_from(self.string().ok()?).ok()
    }
}
