//! The parts of opening a file that fuzz targets have to reach directly.

use ::age::secrecy::ExposeSecret as _;

use super::{effort::FileTries, keyring::Keyring, openpgp, programs::plugin, recovery::DataKeyRecovery};
use crate::{
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
    },
    system::plaintext::Plaintext,
};

/// A file key, or the words of the failure.
pub type FileKeyOrReason = Result<[u8; 16], String>;

/// The content of an armored OpenPGP message, opened with a key of `keyring`.
///
/// # Errors
/// The name of the failure, if no key opens the message.
pub fn pgp_content(keyring: &Keyring, armored: &str) -> Result<Plaintext, String> {
    let opened = keyring.hand.open_pgp("", armored, &FileTries::new(1, 1));
    opened.map_err(|failure| format!("{failure:?}"))
}

/// The content of `body`, the body of a packet of protected data. `session` is the session key in the form that RSA encrypts.
///
/// # Errors
/// The name of the failure, if `session` is no session key or does not open the data.
pub fn pgp_data(session: &[u8], body: &[u8]) -> Result<Plaintext, String> {
    openpgp::open_data(session, body).map_err(|failure| format!("{failure:?}"))
}

/// The result for each of `count` messages if a plugin, which was given `secret`, says `text`.
#[must_use]
pub fn plugin_answers(text: &[u8], count: usize, secret: &str) -> Vec<FileKeyOrReason> {
    let results = plugin::hear(text, count, secret).into_iter();
    results
        .map(|result| result.map(|key| *key.expose_secret()).map_err(|failure| failure.to_string()))
        .collect()
}

/// The data key of a file whose entries open to `parts`, one list for each group. `None` if no combination passes `proof`.
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
