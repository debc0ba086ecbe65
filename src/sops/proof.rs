//! Tells a file's own data key from any other.

use super::{cipher::DataKey, value::Token};
use crate::system::plaintext::Plaintext;

/// The encrypted MAC of a file, which only its data key opens. Cheaper than decrypting the file to find out.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyProof {
    mac: Vec<u8>,
    last_modified: String,
}

impl KeyProof {
    pub(crate) fn new(mac: Vec<u8>, last_modified: String) -> Self {
        Self { mac, last_modified }
    }

    /// A proof that every key of the right length passes: for a file without a MAC there is nothing to tell it by.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), String::new())
    }

    /// Whether `key` is the data key. A file whose MAC or time of change was altered accepts none.
    #[must_use]
    pub fn accepts(&self, key: &Plaintext) -> bool {
        let Ok(key) = DataKey::new(key) else { return false };
        self.mac.is_empty() || stored_mac(&self.mac, &self.last_modified, &key).is_some()
    }
}

/// The stored MAC is a value of its own, authenticated with the time of the last change.
pub(crate) fn stored_mac(token: &[u8], last_modified: &str, key: &DataKey) -> Option<Plaintext> {
    let token = Token::parse(token).ok().filter(|token| token.type_name == b"str")?;
    key.decrypt(token, last_modified.as_bytes()).ok()
}
