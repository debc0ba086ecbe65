//! Private keys in the form of OpenSSH itself, `openssh-key-v1` (`PROTOCOL.key` in OpenSSH).
//!
//! The `ssh-key` crate (0.6) cannot read them all: it refuses more than seven bytes of padding, and a number with needless zeros in front.
//! OpenSSH accepts both, and `PuTTY` writes up to sixteen bytes of padding.

use ssh_key::{
    PrivateKey,
    public::{Ed25519PublicKey, KeyData},
};

use super::numbers::{ed25519_key, rsa_key, rsa_public};
use crate::keys::{
    problem::{Cause, Damage},
    recognize,
};

const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The length of the private part is a multiple of this, in bytes, even if that part is not encrypted.
const BLOCK: usize = 8;

/// Reads a key without a passphrase, as strictly as OpenSSH.
pub(crate) fn key(bytes: &[u8]) -> Result<PrivateKey, Cause> {
    let mut container = Fields(bytes);
    if container.take(MAGIC.len())? != MAGIC {
        return Err(Cause::DamagedSshKey(Damage::Form));
    }
    let [cipher, _derivation, _options] = container.strings()?;
    if container.number()? != 1 {
        return Err(Cause::DamagedSshKey(Damage::SeveralKeys));
    }
    let public = Fields(container.string()?).public_key()?;
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

/// The kinds of keys that age knows.
enum SshKeyType {
    Ed25519,
    Rsa,
}

/// The unread rest of a sequence of numbers (4 bytes, big-endian) and strings (a number as length, then the bytes).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
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

    /// Strings that hold positive numbers: their first bit is clear.
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

    /// The private part: two equal check numbers, the key, its comment, and the padding up to the end.
    fn private_part(&mut self) -> Result<PrivateKey, Cause> {
        if self.number()? != self.number()? {
            return Err(Cause::DamagedSshKey(Damage::CheckNumbers));
        }
        let key = self.private_key()?;
        let _comment = self.string()?;
        // The padding counts 1, 2, 3 and so on, in one byte each.
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

    /// An ed25519 key: the public half, then a string of the seed and the public half again.
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

    /// The public half of an ed25519 key.
    fn ed25519_half(&mut self) -> Option<Ed25519PublicKey> {
        Ed25519PublicKey::try_from(self.string().ok()?).ok()
    }
}
