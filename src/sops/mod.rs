//! The sops file format, decrypt side. Knows nothing of manifests, hosts or systemd.
//!
//! A file is [parsed](SopsFile::parse), its data key is got from elsewhere (see [`keys`](crate::keys)), and it is
//! [decrypted](SopsFile::decrypt): every value is authenticated with its place in the file, and the whole with the file's MAC,
//! before anything of it can be read.

mod cipher;
mod decrypt;
pub mod format;
pub mod key;
mod mac;
pub mod metadata;
pub mod number;
mod pattern;
pub mod proof;
mod rules;
mod section;
pub mod select;
pub mod time;
pub mod tree;
mod value;

use std::fmt;

pub use cipher::CipherError;
use cipher::DataKey;
use decrypt::Walk;
use format::{EmitError, Format, ParseError};
use key::KeyPath;
use mac::Mac;
use metadata::{Metadata, MetadataError};
pub use rules::RuleError;
pub use section::SectionError;
use select::{SelectError, Selector};
use thiserror::Error;
use tree::{Branch, Stored};

use crate::system::plaintext::{Content, Plaintext};

/// An encrypted file, read and understood.
pub struct SopsFile<'a> {
    format: Format,
    /// In bytes.
    size: usize,
    documents: Vec<Branch<Stored<'a>>>,
    /// Whether each document was encrypted as a file of its own.
    foreign: Vec<bool>,
    metadata: Metadata,
}

/// A decrypted file.
pub struct Decrypted {
    format: Format,
    documents: Vec<Branch<Plaintext>>,
}

/// Why a text is not a sops file.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not of the format.
    #[error("it is not valid {format}: {source}")]
    Parse {
        /// The format that it was read as.
        format: Format,
        /// What is wrong.
        source: ParseError,
    },
    /// It is, but sops did not write it.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Why a file does not decrypt.
#[derive(Debug, Error)]
pub enum DecryptError {
    /// The data key is not one.
    #[error(transparent)]
    DataKey(#[from] CipherError),
    /// One value is at fault.
    #[error("{place}: {problem}")]
    Value {
        /// Where it is.
        place: Place,
        /// What is wrong with it.
        problem: String,
    },
    /// A value is not encrypted where the file's rules want it to be.
    #[error("{place}: it is {found} that should be encrypted")]
    NotEncrypted {
        /// Where it is.
        place: Place,
        /// What it is.
        found: &'static str,
    },
    /// A key that is not a string.
    #[error("{place} has a key that is {type_name}, and only strings can be keys")]
    Key {
        /// The map that it is in.
        place: Place,
        /// What the key is.
        type_name: &'static str,
    },
    /// Its rule cannot be followed.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The places of its values are too long to be authenticated in time that grows with the file.
    #[error("its values stand below keys that are longer than all of the rest by far, and to check them would take too long")]
    LongPaths,
    /// A later document was encrypted as a file of its own.
    #[error("document {document} is a sops file of its own, with another data key")]
    Joined {
        /// Which one, from 1.
        document: usize,
    },
    /// The file carries no MAC.
    #[error("the file has no MAC, so a change to it could not be noticed")]
    NoMac,
    /// The MAC itself does not decrypt.
    #[error("the MAC does not authenticate: the metadata was changed after sops wrote it")]
    BrokenMac,
    /// The file is not what sops wrote.
    #[error("the MAC does not match: the file was changed after sops wrote it")]
    WrongMac,
}

/// A place in a file. `Display` names it as a manifest names a key, with the document where there are several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Which document, from 1, of several.
    pub document: Option<usize>,
    /// The keys down to it, joined by slashes; empty for the document itself.
    pub path: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document, self.path.as_str()) {
            (None, "") => f.write_str("the document"),
            (None, path) => write!(f, "the key {path}"),
            (Some(document), "") => write!(f, "document {document}"),
            (Some(document), path) => write!(f, "document {document}: the key {path}"),
        }
    }
}

impl<'a> SopsFile<'a> {
    /// Reads the text of an encrypted file.
    ///
    /// # Errors
    /// When it is not of the format, or its metadata cannot be used.
    pub fn parse(format: Format, source: &'a [u8]) -> Result<Self, ReadError> {
        let mut documents = format.parse(source).map_err(|source| ReadError::Parse { format, source })?;
        let foreign = section::foreign(&documents);
        let section = section::take_metadata(format, &mut documents).map_err(MetadataError::Section)?;
        Ok(Self {
            format,
            size: source.len(),
            foreign,
            metadata: Metadata::read(&section)?,
            documents,
        })
    }

    /// What the file says about itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether it looks like what sops makes of a binary file, whatever it was read as.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.documents.as_slice(), [document] if document.items.len() == 1 && document.get(b"data").is_some())
    }

    /// Looks for values that could be secrets. Needs no data key.
    #[must_use]
    pub fn selector(&self) -> Selector<'_, Stored<'a>> {
        Selector::new(&self.documents)
    }

    /// Decrypts all values and checks the MAC.
    ///
    /// # Errors
    /// At the first value that does not authenticate, and when the MAC does not match.
    pub fn decrypt(mut self, key: &Plaintext) -> Result<Decrypted, DecryptError> {
        let key = DataKey::new(key)?;
        let is_json = matches!(self.format, Format::Json | Format::Binary);
        let mac = Mac::new(self.metadata.mac_only_encrypted, is_json);
        let several = self.documents.len() > 1;
        let mut walk = Walk::new(&key, &mut self.metadata.rule, mac, self.size, several);
        let documents = self
            .documents
            .into_iter()
            .zip(self.foreign)
            .map(|(document, is_foreign)| walk.document(document, is_foreign))
            .collect::<Result<_, _>>()?;
        check(walk.mac, &self.metadata, &key)?;
        Ok(Decrypted {
            format: self.format,
            documents,
        })
    }
}

/// Compares the MAC of what was decrypted with the stored one.
fn check(mac: Mac, metadata: &Metadata, key: &DataKey) -> Result<(), DecryptError> {
    if metadata.mac.is_empty() {
        return Err(DecryptError::NoMac);
    }
    let stored = proof::stored_mac(&metadata.mac, &metadata.last_modified, key).ok_or(DecryptError::BrokenMac)?;
    if mac.matches(stored.expose()) {
        Ok(())
    } else {
        Err(DecryptError::WrongMac)
    }
}

impl Decrypted {
    /// Looks values up by their keys.
    #[must_use]
    pub fn selector(&self) -> Selector<'_, Plaintext> {
        Selector::new(&self.documents)
    }

    /// The value under `key`, as `sops decrypt --extract` prints it, without a line end. `selector` is this file's own.
    ///
    /// # Errors
    /// When there is none that could be a secret.
    pub fn value<'f>(&'f self, selector: &Selector<'f, Plaintext>, key: &KeyPath) -> Result<Content<'f>, ContentError> {
        let (kind, text) = selector.scalar(key)?;
        Ok(self.format.emit_scalar(kind, text)?)
    }

    /// The whole file, as `sops decrypt` prints it; `None` when that is longer than `most` bytes.
    ///
    /// # Errors
    /// When the format has no spelling for something in it.
    pub fn whole(&self, most: usize) -> Result<Option<Content<'_>>, ContentError> {
        Ok(self.format.emit(&self.documents, most)?)
    }
}

/// Why a decrypted file does not give the wanted bytes.
#[derive(Debug, Error)]
pub enum ContentError {
    /// No such value.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// No such spelling.
    #[error(transparent)]
    Emit(#[from] EmitError),
}
