//! One sops file, before and after its decryption, and the check of its MAC.

use super::{
    cipher::DataKey,
    decrypt::Decryption,
    error::{ContentError, DecryptError},
    format::{Format, SopsFileError},
    key::KeyPath,
    mac::Mac,
    metadata::Metadata,
    proof,
    repeated::repeated,
    section,
    select::Selector,
    survey::{StoredValue, survey},
    text::LongValues,
    tree::{Branch, Opened, Stored},
};
use crate::system::plaintext::Plaintext;

/// An encrypted sops file after parsing. The metadata is kept apart and no longer in the documents.
pub struct SopsFile<'a> {
    format: Format,
    /// The text of the file.
    text: &'a [u8],
    documents: Vec<Branch<Stored<'a>>>,
    /// One flag for each document: whether the document is a separate sops file that somebody appended to this one. Such a
    /// document has no recipient entry in common with the first document.
    foreign: Vec<bool>,
    metadata: Metadata,
}

/// A decrypted sops file whose MAC was found correct.
pub struct Decrypted {
    format: Format,
    documents: Vec<Branch<Opened>>,
}

impl<'a> SopsFile<'a> {
    /// Reads the text of an encrypted sops file.
    ///
    /// # Errors
    /// When the text is not valid in this format, or the sops metadata cannot be used.
    pub fn parse(format: Format, source: &'a [u8]) -> Result<Self, SopsFileError> {
        let mut documents = format.parse(source).map_err(|error| SopsFileError {
            problem: format!("it is not valid {format}: {error}"),
            flaw: error.flaw,
        })?;
        let foreign = section::foreign(&documents);
        let section = section::take_metadata(format, &mut documents)?;
        Ok(Self {
            format,
            text: source,
            foreign,
            metadata: Metadata::read(&section)?,
            documents,
        })
    }

    /// The sops metadata of the file.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether the file has the shape of a binary file of sops: one document with one entry, named `data`. A file of any format
    /// may have this shape.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.documents.as_slice(), [document] if document.items.len() == 1 && document.get(b"data").is_some())
    }

    /// Whether the metadata are as they are in the file, although `long_values` were kept apart from the text of the file.
    pub(crate) fn has_whole_metadata(&self, long_values: &LongValues) -> bool {
        long_values.count() == 0 || !self.metadata.may_be_shortened
    }

    /// The selection rule of the file: the metadata field that holds the rule, and the suffix or the pattern in it.
    pub(crate) fn rule(&self) -> (&'static str, &[u8]) {
        self.metadata.rule.field()
    }

    /// Lists all values of the file, in their order. The list says of each value whether it is encrypted. No data key is needed.
    ///
    /// # Errors
    /// When the selection rule takes too long, or the paths of the values are many times as long as the file.
    pub(crate) fn survey(&mut self) -> Result<Vec<StoredValue>, SopsFileError> {
        survey(&self.documents, &mut self.metadata.rule, self.text.len())
    }

    /// The keys that are more than once in one map. sops takes the last of them.
    pub(crate) fn repeated(&self) -> Vec<KeyPath> {
        repeated(&self.documents)
    }

    /// A selector that looks up keys in the encrypted tree, to find values that can be secrets. No data key is needed.
    #[must_use]
    pub fn selector(&self) -> Selector<'_, Stored<'a>> {
        Selector::new(&self.documents)
    }

    /// Decrypts all values and checks the MAC.
    ///
    /// # Errors
    /// When the data key has a wrong length, or a value does not decrypt. Also when the MAC is missing or does not match.
    pub fn decrypt(self, key: &Plaintext) -> Result<Decrypted, DecryptError> {
        self.decrypt_shortened(key, &mut LongValues::default())
    }

    /// Decrypts all values and checks the MAC. `long_values` are the long values that were kept apart from the text of the file.
    ///
    /// # Errors
    /// Those of [`Self::decrypt`], and when a long value is where no encrypted value is expected.
    pub fn decrypt_shortened(mut self, key: &Plaintext, long_values: &mut LongValues) -> Result<Decrypted, DecryptError> {
        let key = DataKey::new(key).ok_or(DecryptError::DataKey(key.len()))?;
        let is_json = matches!(self.format, Format::Json | Format::Binary);
        let mac = Mac::new(self.metadata.mac_only_encrypted, is_json);
        let several = self.documents.len() > 1;
        let mut walk = Decryption::new(&key, &mut self.metadata.rule, mac, self.text, long_values, several);
        let documents = self
            .documents
            .into_iter()
            .zip(self.foreign)
            .map(|(document, is_foreign)| walk.document(document, is_foreign))
            .collect::<Result<_, _>>()?;
        // The decrypted documents are returned only after this check. So no value of a file with a wrong MAC is ever used.
        check(walk.mac, &self.metadata, &key)?;
        if long_values.count() > 0 {
            return Err(DecryptError::LongValue);
        }
        Ok(Decrypted {
            format: self.format,
            documents,
        })
    }
}

/// Compares the MAC of the decrypted values with the MAC that the metadata stores.
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
    /// A selector that looks up values by their keys.
    #[must_use]
    pub fn selector(&self) -> Selector<'_, Opened> {
        Selector::new(&self.documents)
    }

    /// The value under `key`, as `sops decrypt --extract` prints it, but without a line end. `selector` must be a selector of
    /// this file.
    ///
    /// # Errors
    /// When the key leads to no value that can be a secret, or the format has no spelling for the value.
    pub fn value<'f>(&'f self, selector: &Selector<'f, Opened>, key: &KeyPath) -> Result<Opened, ContentError> {
        let (kind, text) = selector.scalar(key)?;
        Ok(self.format.emit_scalar(kind, text)?)
    }

    /// The whole file, as `sops decrypt` prints it. Returns `None` if the text is longer than `most` bytes.
    ///
    /// # Errors
    /// When the format has no spelling for a key or a value. Also when the text would be many times as long as the contents of
    /// the file.
    pub fn whole(&self, most: usize) -> Result<Option<Opened>, ContentError> {
        Ok(self.format.emit(&self.documents, most)?)
    }
}
