//! Makes age identities and an OpenPGP key from an SSH private key.

use ssh_key::private::KeypairData;

use super::{damage::Damage, identity::Identity, openpgp::PgpKey, place::Place, problem::Cause, ssh};

/// The keys that an SSH private key gives.
pub(crate) struct SshKeys {
    /// The age identities. For ed25519: the converted age identity, then the SSH key itself. For RSA: only the SSH key itself.
    pub identities: Vec<Identity>,
    /// The OpenPGP key that an RSA key is converted to. `None` for ed25519.
    pub pgp: Option<PgpKey>,
}

/// Parses `text` as an SSH private key, and makes all keys that the SSH key gives. `place` is the key source, for messages.
///
/// # Errors
///
/// The [`Cause`] to report if the text is no SSH private key, or the key cannot be used.
pub(crate) fn keys(place: &Place, text: &[u8]) -> Result<SshKeys, Cause> {
    let key = ssh::private_key(text)?;
    let mut identities = Vec::new();
    match key.key_data() {
        KeypairData::Ed25519(pair) => {
            let converted = ssh::convert(pair.private.as_ref());
            identities.push(Identity::from_conversion(converted, place.clone()));
        }
        KeypairData::Rsa(_) => {}
        KeypairData::Encrypted(_) => return Err(Cause::EncryptedSshKey),
        _ => return Err(Cause::UnknownSshKind(key.algorithm().as_str().to_owned())),
    }
    let pgp = PgpKey::from_ssh(&key);
    identities.push(Identity::from_ssh(key, place.clone()).ok_or(Cause::DamagedSshKey(Damage::Form))?);
    Ok(SshKeys { identities, pgp })
}
