//! The type for secret bytes, which wipes its memory.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// Secret bytes: a data key, a token, the secret half of an access key, or an answer that may contain one.
///
/// The type has no `Debug`, `Display`, `Clone` or `Serialize`, so that a secret gets into no log and no error by accident. It covers its own
/// buffer alone: those of the HTTP and TLS libraries are not wiped, which is why this process forbids core dumps and ends right after its
/// last answer.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret bytes. Each call of this function is a place where a secret leaves the protected type.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text; empty if it is no UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes().to_vec())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
