//! Checks whether a key is the data key of a file.

use super::{cipher::DataKey, value::EncryptedValue};
use crate::system::plaintext::Plaintext;

/// The encrypted MAC of a file, and the time of the last change. Only the data key of the file decrypts the MAC. So a key can
/// be checked with this short text, and the file itself need not be decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyProof {
    mac: Vec<u8>,
    last_modified: String,
}

impl KeyProof {
    pub(crate) fn new(mac: Vec<u8>, last_modified: String) -> Self {
        Self { mac, last_modified }
    }

    /// A proof for a file without a MAC, where a key cannot be checked. Every key of a valid length is accepted.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), String::new())
    }

    /// Whether `key` is the data key of the file. No key is accepted if somebody changed the stored MAC or the field
    /// `lastmodified`.
    #[must_use]
    pub fn accepts(&self, key: &Plaintext) -> bool {
        let Some(key) = DataKey::new(key) else { return false };
        self.mac.is_empty() || stored_mac(&self.mac, &self.last_modified, &key).is_some()
    }
}

/// Decrypts the stored MAC. Returns `None` if the MAC does not authenticate. sops encrypts the MAC like a value, but the
/// associated data is the time of the last change, not a path.
pub(crate) fn stored_mac(token: &[u8], last_modified: &str, key: &DataKey) -> Option<Plaintext> {
    let token = EncryptedValue::parse(token).ok().filter(|token| token.type_name == b"str")?;
    key.decrypt(token, last_modified.as_bytes()).ok()
}
