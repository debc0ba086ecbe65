//! A sops file, encrypted and decrypted; its MAC is compared here.

use super::{
    cipher::DataKey,
    decrypt::Decryption,
    error::{ContentError, DecryptError},
    format::{Format, SopsFileError},
    key::KeyPath,
    mac::Mac,
    metadata::Metadata,
    proof, section,
    select::Selector,
    tree::{Branch, Stored},
};
use crate::system::plaintext::{Content, Plaintext};

/// An encrypted file, parsed, with its metadata taken out of the documents.
pub struct SopsFile<'a> {
    format: Format,
    /// The length of the text of the file in bytes.
    size: usize,
    documents: Vec<Branch<Stored<'a>>>,
    /// For each document, whether it is another sops file that was appended to this one: the two have no recipient entry in common.
    foreign: Vec<bool>,
    metadata: Metadata,
}

/// A decrypted file.
pub struct Decrypted {
    format: Format,
    documents: Vec<Branch<Plaintext>>,
}

impl<'a> SopsFile<'a> {
    /// Reads the text of an encrypted file.
    ///
    /// # Errors
    /// When the text is not of the format, or its metadata cannot be used.
    pub fn parse(format: Format, source: &'a [u8]) -> Result<Self, SopsFileError> {
        let mut documents = format.parse(source).map_err(|error| SopsFileError {
            problem: format!("it is not valid {format}: {error}"),
            flaw: error.flaw,
        })?;
        let foreign = section::foreign(&documents);
        let section = section::take_metadata(format, &mut documents)?;
        Ok(Self {
            format,
            size: source.len(),
            foreign,
            metadata: Metadata::read(&section)?,
            documents,
        })
    }

    /// The metadata of the file.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether the file has the shape that sops gives a binary file, one entry named `data`, whatever format it was read as.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.documents.as_slice(), [document] if document.items.len() == 1 && document.get(b"data").is_some())
    }

    /// A selector for the encrypted tree, which finds values that could be secrets. It needs no data key.
    #[must_use]
    pub fn selector(&self) -> Selector<'_, Stored<'a>> {
        Selector::new(&self.documents)
    }

    /// Decrypts all values and checks the MAC.
    ///
    /// # Errors
    /// At the first value that does not authenticate, and when the MAC does not match.
    pub fn decrypt(mut self, key: &Plaintext) -> Result<Decrypted, DecryptError> {
        let key = DataKey::new(key).ok_or(DecryptError::DataKey(key.len()))?;
        let is_json = matches!(self.format, Format::Json | Format::Binary);
        let mac = Mac::new(self.metadata.mac_only_encrypted, is_json);
        let several = self.documents.len() > 1;
        let mut walk = Decryption::new(&key, &mut self.metadata.rule, mac, self.size, several);
        let documents = self
            .documents
            .into_iter()
            .zip(self.foreign)
            .map(|(document, is_foreign)| walk.document(document, is_foreign))
            .collect::<Result<_, _>>()?;
        // The decrypted documents are returned only after this check, so no value of a file with a wrong MAC is ever used.
        check(walk.mac, &self.metadata, &key)?;
        Ok(Decrypted {
            format: self.format,
            documents,
        })
    }
}

/// Compares the MAC of the decrypted values with the stored MAC.
pub(crate) fn check(mac: Mac, metadata: &Metadata, key: &DataKey) -> Result<(), DecryptError> {
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

    /// The value under `key`, as `sops decrypt --extract` prints it, without a line end. `selector` must be one of this file.
    ///
    /// # Errors
    /// When the key leads to no value that could be a secret, or the format has no spelling for the value.
    pub fn value<'f>(&'f self, selector: &Selector<'f, Plaintext>, key: &KeyPath) -> Result<Content<'f>, ContentError> {
        let (kind, text) = selector.scalar(key)?;
        Ok(self.format.emit_scalar(kind, text)?)
    }

    /// The whole file, as `sops decrypt` prints it; `None` if the text is longer than `most` bytes.
    ///
    /// # Errors
    /// When the format has no spelling for something in it.
    pub fn whole(&self, most: usize) -> Result<Option<Content<'_>>, ContentError> {
        Ok(self.format.emit(&self.documents, most)?)
    }
}
