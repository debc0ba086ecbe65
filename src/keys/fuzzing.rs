//! The parts of opening a file that fuzz targets have to reach directly.

use ::age::secrecy::ExposeSecret as _;

use super::{effort::FileTries, keyring::Keyring, opening::Opening, openpgp, programs::plugin};
use crate::{
    sops::{
        metadata::{KeyGroup, KeyGroups, MasterKey},
        proof::KeyProof,
    },
    system::plaintext::Plaintext,
};

/// A file key, or the words of the failure.
pub type Told = Result<[u8; 16], String>;

/// What an armored OpenPGP message holds that a key of `keyring` opens, or the name of the failure.
///
/// # Errors
/// When none opens it.
pub fn pgp_content(keyring: &Keyring, armored: &str) -> Result<Plaintext, String> {
    let opened = keyring.hand.open_pgp("", armored, &FileTries::new(1, 1));
    opened.map_err(|failure| format!("{failure:?}"))
}

/// What the body of a packet of protected data holds, under a session key in the form that RSA encrypts; or the name of the failure.
///
/// # Errors
/// When that is no session key, or does not open it.
pub fn pgp_data(session: &[u8], body: &[u8]) -> Result<Plaintext, String> {
    openpgp::open_data(session, body).map_err(|failure| format!("{failure:?}"))
}

/// What comes, for each of `count` messages, of all that a plugin says which was told `secret` in confidence.
#[must_use]
pub fn plugin_answers(text: &[u8], count: usize, secret: &str) -> Vec<Told> {
    let results = plugin::hear(text, count, secret).into_iter();
    results
        .map(|result| result.map(|key| *key.expose_secret()).map_err(|failure| failure.to_string()))
        .collect()
}

/// The data key that passes `proof`, of a file whose entries open to these parts, group by group.
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
    let mut opening = Opening::new(&groups, proof);
    opening.advance(|_, key| match key {
        MasterKey::Age { encrypted, .. } => {
            let part: Vec<u8> = encrypted.chars().filter_map(|byte| u8::try_from(byte).ok()).collect();
            Some(Ok(Plaintext::from(part)))
        }
        _ => None,
    });
    let is_open = opening.is_open();
    opening.take_key().filter(|_| is_open)
}
