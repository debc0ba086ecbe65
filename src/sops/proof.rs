//! Checks whether a key is the data key of a file.

use super::{cipher::DataKey, value::EncryptedValue};
use crate::system::plaintext::Plaintext;

/// The encrypted MAC of a file. Only the data key of the file decrypts it, so this short text shows whether a key is right, and
/// the file itself need not be decrypted for that.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyProof {
    mac: Vec<u8>,
    last_modified: String,
}

impl KeyProof {
    pub(crate) fn new(mac: Vec<u8>, last_modified: String) -> Self {
        Self { mac, last_modified }
    }

    /// A proof that accepts every key of a right length. It stands for a file without a MAC, where a key cannot be checked.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), String::new())
    }

    /// Whether `key` is the data key of the file. If somebody altered the stored MAC or `lastmodified`, no key is accepted.
    #[must_use]
    pub fn accepts(&self, key: &Plaintext) -> bool {
        let Some(key) = DataKey::new(key) else { return false };
        self.mac.is_empty() || stored_mac(&self.mac, &self.last_modified, &key).is_some()
    }
}

/// Decrypts the stored MAC; `None` if it does not authenticate. sops encrypts the MAC like a value, with the time of the last
/// change as associated data in the place of a path.
pub(crate) fn stored_mac(token: &[u8], last_modified: &str, key: &DataKey) -> Option<Plaintext> {
    let token = EncryptedValue::parse(token).ok().filter(|token| token.type_name == b"str")?;
    key.decrypt(token, last_modified.as_bytes()).ok()
}
