//! Gives fuzz targets direct access to some parts of opening a file.

use ::age::secrecy::ExposeSecret as _;

use super::{effort::FileTries, keyring::Keyring, openpgp, programs::plugin, recovery::DataKeyRecovery};
use crate::{
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
    },
    system::plaintext::Plaintext,
};

/// The 16 bytes of a file key, or the failure as text.
pub type FileKeyOrReason = Result<[u8; 16], String>;

/// Gives the content of an armored OpenPGP message that a key of `keyring` opens.
///
/// # Errors
///
/// The name of the failure, if no key opens the message.
pub fn pgp_content(keyring: &Keyring, armored: &str) -> Result<Plaintext, String> {
    let opened = keyring.hand.open_pgp("", armored, &FileTries::new(1, 1));
    opened.map_err(|failure| format!("{failure:?}"))
}

/// Gives the content of `body`, which is the body of an OpenPGP packet of protected data. `session` is the text that RSA
/// encrypts in a message: the number of the cipher, the session key, and the sum of the bytes of the key.
///
/// # Errors
///
/// The name of the failure, if `session` is no session key or does not open the data.
pub fn pgp_data(session: &[u8], body: &[u8]) -> Result<Plaintext, String> {
    openpgp::open_data(session, body).map_err(|failure| format!("{failure:?}"))
}

/// Gives the results for `count` messages if a plugin says `text`. `secret` is a text that a person typed for the plugin before.
#[must_use]
pub fn plugin_answers(text: &[u8], count: usize, secret: &str) -> Vec<FileKeyOrReason> {
    let results = plugin::hear(text, count, secret).into_iter();
    results
        .map(|result| result.map(|key| *key.expose_secret()).map_err(|failure| failure.to_string()))
        .collect()
}

/// Finds the data key of a file. `parts` has one list for each key group: the data keys or shares that the recipient entries of
/// the group give. Returns `None` if no key passes `proof`.
#[must_use]
pub fn shared_key(parts: &[Vec<Vec<u8>>], threshold: usize, proof: KeyProof) -> Option<Plaintext> {
    let entry = |part: &Vec<u8>| MasterKey::Age {
        recipient: String::new(),
        encrypted: part.iter().copied().map(char::from).collect(),
    };
    let groups = parts.iter().map(|parts| KeyGroup {
        keys: parts.iter().map(entry).collect(),
    });
    let groups = KeyGroups {
        groups: groups.collect(),
        threshold,
    };
    let mut recovery = DataKeyRecovery::new(&groups, proof);
    recovery.advance(|_, key| match key {
        MasterKey::Age { encrypted, .. } => {
            let part: Vec<u8> = encrypted.chars().filter_map(|byte| u8::try_from(byte).ok()).collect();
            Some(Ok(Plaintext::from(part)))
        }
        _ => None,
    });
    let is_open = recovery.is_open();
    recovery.take_key().filter(|_| is_open)
}
