//! What can go wrong between the text of a sops file and a value of it.

use std::fmt;

use thiserror::Error;

use super::{format::EmitError, rules::RuleError, select_error::SelectError};

/// Why a file does not decrypt.
#[derive(Debug, Error)]
pub enum DecryptError {
    /// The data key has a length, in bytes, that AES does not know.
    #[error("the data key has {0} bytes instead of 16, 24 or 32")]
    DataKey(usize),
    /// One value does not decrypt.
    #[error("{place}: {problem}")]
    Value {
        /// Where it is.
        place: ValuePlace,
        /// What is wrong with it.
        problem: String,
    },
    /// A value is not encrypted, although the selection rule of the file wants it to be.
    #[error("{place}: the value is {found} that is not encrypted, but should be")]
    NotEncrypted {
        /// Where it is.
        place: ValuePlace,
        /// What it is.
        found: &'static str,
    },
    /// A key that is not a string.
    #[error("{place} has a key that is {type_name}, and only strings can be keys")]
    Key {
        /// The map that it is in.
        place: ValuePlace,
        /// What the key is.
        type_name: &'static str,
    },
    /// The selection rule of the file cannot be followed.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The paths of the values are too long: to authenticate them all would take much more time than the size of the file allows.
    #[error("its keys are so long that checking its values would take too long")]
    LongPaths,
    /// A later document was encrypted as a file of its own.
    #[error("document {document} is a sops file of its own, with another data key")]
    Joined {
        /// The number of the document, from 1.
        document: usize,
    },
    /// The file carries no MAC.
    #[error("the file has no MAC, so a change to it could not be noticed")]
    NoMac,
    /// The MAC itself does not decrypt: it, or `lastmodified`, was altered.
    #[error("the MAC does not authenticate: the metadata was changed after sops wrote it")]
    BrokenMac,
    /// The MAC does not match: the file is not what sops wrote.
    #[error("the MAC does not match: the file was changed after sops wrote it")]
    WrongMac,
}

/// A place in a file. `Display` spells it like the key of a manifest, with the number of the document if the file has several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuePlace {
    /// The number of the document, from 1; `None` if the file has only one.
    pub document: Option<usize>,
    /// The keys down to it, joined by slashes; empty for the document itself.
    pub path: String,
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document, self.path.as_str()) {
            (None, "") => f.write_str("the document"),
            (None, path) => write!(f, "the key {path}"),
            (Some(document), "") => write!(f, "document {document}"),
            (Some(document), path) => write!(f, "document {document}: the key {path}"),
        }
    }
}

/// Why a decrypted file does not give the wanted bytes.
#[derive(Debug, Error)]
pub enum ContentError {
    /// The key leads to no value that could be a secret.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The format has no spelling for the value.
    #[error(transparent)]
    Emit(#[from] EmitError),
}
