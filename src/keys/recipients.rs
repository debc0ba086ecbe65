//! The recipients that belong to one SSH key, as a `.sops.yaml` can name them.

use ssh_key::{HashAlg, PublicKey, public::KeyData};

use super::{
    damage::Damage,
    openpgp,
    problem::Cause,
    ssh::{self, PublicLine},
};
use crate::system::plaintext::Plaintext;

/// age encrypts to an RSA key only if its modulus has at least this many bytes. A key of 2041 bits already has so many.
const FEWEST_RSA_BYTES: usize = 256;

/// The recipients that belong to one SSH key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SshRecipients {
    /// The kind and the fingerprint of the key, for people.
    pub(crate) shown: String,
    /// The age recipient that an ed25519 key is converted to. `None` for RSA.
    pub(crate) age: Option<String>,
    /// The key itself, which age takes as a recipient. `None` for an RSA key that is too small for age.
    pub(crate) ssh: Option<String>,
    /// The fingerprint of the OpenPGP key that an RSA key is converted to. `None` for ed25519.
    pub(crate) pgp: Option<String>,
}

/// Why a public key has no recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRecipients {
    /// The key is of a kind that age does not know.
    OtherKind,
    /// The text of the key is damaged.
    Damaged,
}

impl SshRecipients {
    /// The recipients of the public key in a line of text.
    ///
    /// # Errors
    ///
    /// If the key is damaged, or of a kind that age does not know.
    pub(crate) fn of_line(line: &PublicLine<'_>) -> Result<Self, NoRecipients> {
        if !["ssh-ed25519", "ssh-rsa"].contains(&line.kind) {
            return Err(NoRecipients::OtherKind);
        }
        let key = PublicKey::from_openssh(&format!("{} {}", line.kind, line.key));
        key.ok().and_then(|key| Self::of_key(&key)).ok_or(NoRecipients::Damaged)
    }

    /// The recipients of the text of an SSH private key.
    ///
    /// # Errors
    ///
    /// The [`Cause`] to report if the text is no SSH private key, or the key cannot be used.
    pub(crate) fn of_private(text: &[u8]) -> Result<Self, Cause> {
        let key = ssh::private_key(text)?;
        Self::of_key(key.public_key()).ok_or(Cause::DamagedSshKey(Damage::Form))
    }

    /// The recipients of an SSH private key in the form of OpenSSH, made from its public half. The public half can be read even if
    /// the key has a passphrase. `None` for other forms.
    pub(crate) fn of_public_half(text: &[u8]) -> Option<Self> {
        Self::of_key(&ssh::public_half(text)?)
    }

    fn of_key(key: &PublicKey) -> Option<Self> {
        let shown = ssh::shown(key.algorithm().as_str(), &key.fingerprint(HashAlg::Sha256));
        let ssh = ssh::recipient(key)?;
        match key.key_data() {
            KeyData::Ed25519(point) => Some(Self {
                shown,
                age: Some(ssh::converted_recipient(&point.0)?),
                ssh: Some(ssh),
                pgp: None,
            }),
            KeyData::Rsa(key) => Some(Self {
                shown,
                age: None,
                ssh: (openpgp::bits(&key.n)?.div_ceil(8) >= FEWEST_RSA_BYTES).then_some(ssh),
                pgp: openpgp::fingerprint(key).map(|digest| format!("{digest:X}")),
            }),
            _ => None,
        }
    }
}

/// The age identity that the text of an ed25519 SSH private key is converted to, in the way of `ssh-to-age`. `None` for RSA.
///
/// # Errors
///
/// The [`Cause`] to report if the text is no SSH private key, or the key cannot be used.
pub(crate) fn converted_identity(text: &[u8]) -> Result<Option<Plaintext>, Cause> {
    let key = ssh::private_key(text)?;
    let pair = key.key_data().ed25519();
    Ok(pair.and_then(|pair| ssh::convert(pair.private.as_ref()).text()))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// What stands before the seed of an ed25519 key in PKCS#8 (RFC 8410, 7).
    const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

    /// The private key with the number `number` in the file of keys, as text.
    fn private(number: usize) -> String {
        let seed = Sha256::digest(format!("TEST KEY {number}"));
        let body = BASE64_STANDARD.encode([PKCS8_PREFIX.as_slice(), &seed].concat());
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn a_thousand_keys_are_converted_as_ssh_to_age_converts_them() {
        let lines = include_str!("../../tests/fixtures/ssh-to-age/keys.tsv").lines();
        let mut count = 0;
        for line in lines.filter(|line| !line.starts_with('#')) {
            count += 1;
            let [public, recipient, identity] = *line.split('\t').collect::<Vec<_>>() else {
                panic!("{line}")
            };
            let of_public = SshRecipients::of_line(&ssh::public_key(public).unwrap()).unwrap();
            assert_eq!(
                (of_public.age.as_deref(), of_public.ssh.as_deref()),
                (Some(recipient), Some(public))
            );
            let private = private(count);
            assert_eq!(SshRecipients::of_private(private.as_bytes()), Ok(of_public));
            let converted = converted_identity(private.as_bytes()).unwrap().unwrap();
            assert_eq!(converted.expose(), identity.as_bytes());
        }
        assert_eq!(count, 1000);
    }
}
