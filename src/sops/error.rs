//! The errors of this layer: why a sops file cannot be read or decrypted, and why the `key` of a secret gives no content.

use std::fmt;

use thiserror::Error;

use super::{format::EmitError, key::marked, part::PartError, rules::RuleError, select_error::SelectError};

/// Why a sops file cannot be decrypted.
#[derive(Debug, Error)]
pub enum DecryptError {
    /// The data key has a length that AES does not support. The number is the length in bytes.
    #[error("the data key has {0} bytes instead of 16, 24 or 32")]
    DataKey(usize),
    /// One value of the file cannot be decrypted.
    #[error("{place}: {problem}")]
    Value {
        /// The place of the value in the file.
        place: ValuePlace,
        /// The problem with the value, in words for the message.
        problem: String,
    },
    /// A value is in the clear, although the selection rule of the file selects this value for encryption.
    #[error("{place}: the value is {found} in plain text, but should be encrypted")]
    NotEncrypted {
        /// The place of the value in the file.
        place: ValuePlace,
        /// The type of the value, for the message.
        found: &'static str,
    },
    /// A map of the file has a key that is not a string.
    #[error("{place} has a key that is {type_name}, but sops accepts only strings as keys")]
    Key {
        /// The place of the map in the file.
        place: ValuePlace,
        /// The type of the key, for the message.
        type_name: &'static str,
    },
    /// The selection rule of the file cannot be followed, because its pattern takes too long.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The paths of the values are too long. To authenticate all of them would take far longer than the size of the file
    /// justifies.
    #[error("its keys are so long that decryption would take too much time")]
    LongPaths,
    /// A later document of the file is a separate sops file with another data key.
    #[error("document {document} is another sops file, with another data key")]
    Joined {
        /// The number of the later document, counted from 1.
        document: usize,
    },
    /// A long value, which was kept apart while the file was read, does not authenticate, or is not where an encrypted value is
    /// expected. If the file is read as it is, there is no such error.
    #[error("a long value does not authenticate, or is not where an encrypted value is expected")]
    LongValue,
    /// The file has no MAC.
    #[error("the file has no MAC, so a change to it could not be noticed")]
    NoMac,
    /// The MAC does not decrypt: somebody changed the MAC or the field `lastmodified`.
    #[error("the MAC does not authenticate: the metadata was changed after sops wrote it")]
    BrokenMac,
    /// The MAC does not match: the values of the file are not those that sops wrote.
    #[error("the MAC does not match: the file was changed after sops wrote it")]
    WrongMac,
}

/// The place of a value in a sops file. `Display` prints the path like a `key` of a manifest, and the number of the document if
/// the file has several documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuePlace {
    /// The number of the document, counted from 1; `None` if the file has only one document.
    pub document: Option<usize>,
    /// The keys from the document down to the value, joined by slashes; empty for the document itself.
    pub path: String,
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document, self.path.as_str()) {
            (None, "") => f.write_str("the document"),
            (None, path) => write!(f, "the key {}", marked(path)),
            (Some(document), "") => write!(f, "document {document}"),
            (Some(document), path) => write!(f, "document {document}: the key {}", marked(path)),
        }
    }
}

/// Why a decrypted file does not give the wanted content.
#[derive(Debug, Error)]
pub enum ContentError {
    /// The `key` of the secret leads to no value that can be a secret.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The format of the file has no spelling for the value.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The form that the content is to have has no spelling for it.
    #[error(transparent)]
    Part(PartError),
}

impl From<PartError> for ContentError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Select(error) => Self::Select(error),
            PartError::Emit(error) => Self::Emit(error),
            error => Self::Part(error),
        }
    }
}
