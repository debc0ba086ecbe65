//! One sops file, before and after its decryption, and the check of its MAC.

use super::{
    cipher::DataKey,
    decrypt::Decryption,
    error::{ContentError, DecryptError},
    format::{EmitError, Format, SopsFileError, emit_json, emit_yaml, repeated_in_ini},
    key::KeyPath,
    mac::Mac,
    metadata::Metadata,
    outline::outline,
    part::{self, PartForm},
    proof,
    repeated::repeated,
    section,
    select::Selector,
    select_error::SelectError,
    survey::{StoredValue, survey},
    text::LongValues,
    tree::{Branch, Opened, Stored},
    value::EncryptedValue,
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

    /// Why the MAC in the metadata cannot be one, whatever the key of the file is: it is missing, or is no whole token. `None` if it
    /// can be one.
    pub(crate) fn mac_fault(&self) -> Option<DecryptError> {
        match self.metadata.mac.as_slice() {
            [] => Some(DecryptError::NoMac),
            mac => EncryptedValue::parse(mac).err().map(|_| DecryptError::BrokenMac),
        }
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

    /// What a dotenv file tells without a key, as the text of a dotenv file: each encrypted value is as many letters `x` as it has
    /// bytes, and encrypted comments are left out.
    pub(crate) fn outline(&self) -> Vec<u8> {
        self.documents.first().map(outline).unwrap_or_default()
    }

    /// The keys that are more than once in one map. sops takes the last of them.
    pub(crate) fn repeated(&self) -> Vec<KeyPath> {
        let mut keys = repeated(&self.documents);
        if self.format == Format::Ini {
            keys.extend(repeated_in_ini(self.text));
        }
        keys
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

    /// The string under `key`, as [`Self::value`] gives it. `selector` must be a selector of this file.
    ///
    /// # Errors
    /// When the key leads to no string.
    pub fn text<'f>(&'f self, selector: &Selector<'f, Opened>, key: &KeyPath) -> Result<Opened, ContentError> {
        let (kind, text) = selector.scalar(key)?;
        SelectError::unless_text(key, kind)?;
        Ok(self.format.emit_scalar(kind, text)?)
    }

    /// What is under `key`, in this form. JSON and YAML are as `sops decrypt --extract` prints them, but a string by itself is a
    /// document too. `selector` must be a selector of this file. Returns `None` if the text is longer than `most` bytes.
    ///
    /// # Errors
    /// When the key leads to nothing, or to something that the form has no spelling for.
    pub fn part<'f>(
        &'f self,
        selector: &Selector<'f, Opened>,
        key: &KeyPath,
        form: PartForm,
        most: usize,
    ) -> Result<Option<Opened>, ContentError> {
        let found = selector.part(key, form)?;
        let text = match form {
            PartForm::Json => {
                part::is_text(&found, key)?;
                emit_json(part::documents(&found), most)?
            }
            PartForm::Yaml => emit_yaml(part::documents(&found), most)?,
            PartForm::Lines => part::lines(&found, key, self.format, most)?,
            PartForm::Variables(form) => part::variables(&found, key, self.format, form, most)?,
        };
        Ok(text.map(Opened::new))
    }

    /// The whole file, as `sops decrypt` prints it. Returns `None` if the text is longer than `most` bytes. Values that nobody else
    /// holds are dropped one after the other while they are printed, so that the file is not in memory twice.
    ///
    /// # Errors
    /// When the format has no spelling for a key or a value. Also when the text would be many times as long as the contents of
    /// the file.
    pub fn into_whole(self, most: usize) -> Result<Option<Opened>, EmitError> {
        self.format.emit(self.documents, most)
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::{AeadInPlace as _, AesGcm, KeyInit as _, aead::consts::U32, aes::Aes256};
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use proptest::{collection::vec, prelude::*};
    use sha2::{Digest as _, Sha512};

    use super::*;
    use crate::sops::{mac::ONLY_ENCRYPTED, text::SopsText};

    const DATA_KEY: [u8; 32] = [7; 32];
    const LAST_MODIFIED: &str = "2026-01-02T03:04:05Z";

    /// An encrypted value, as sops writes it.
    fn token(value: &str, associated: &str) -> String {
        let cipher = AesGcm::<Aes256, U32>::new(&DATA_KEY.into());
        let (iv, mut data) = ([9; 32], value.as_bytes().to_vec());
        let tag = cipher
            .encrypt_in_place_detached(&iv.into(), associated.as_bytes(), &mut data)
            .unwrap();
        let [data, iv, tag] = [&data[..], &iv, &tag].map(|bytes| BASE64_STANDARD.encode(bytes));
        format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:str]")
    }

    /// The part `number` of a YAML file, which has or is something like a value of so many bytes. Returns the value that is encrypted
    /// in it, if it has one.
    fn part(number: usize, kind: usize, length: usize) -> (String, Option<String>) {
        let value = "v".repeat(length);
        let token = token(&value, &format!("k{number}:"));
        let pretended = token.replace("tag:", "tag:QUFB");
        let text = match kind {
            0 => format!("k{number}: {token}\n"),
            1 => format!("k{number}: \"{token}\"\n"),
            2 => format!("k{number}: >-\n  {token}\n"),
            3 => format!("k{number}: &a{number} {token}\np{number}_unencrypted: *a{number}\n"),
            4 => format!("k{number}: &a{number} {token}\n*a{number} :\n"),
            5 => format!("p{number}_unencrypted: {pretended}\n"),
            6 => format!("p{number}_unencrypted: \"\\u0045{}\"\n", &pretended[1..]),
            7 => format!("\"{pretended}{number}_unencrypted\": x\n"),
            8 => format!("# {pretended}\n"),
            _ => format!("p{number}_unencrypted: {}\n", "abcd".repeat(length)),
        };
        (text, (kind < 5).then_some(value))
    }

    /// A YAML file of these parts, whose MAC is over the encrypted values only.
    fn file(parts: &[(usize, usize)]) -> String {
        let parts = parts.iter().enumerate();
        let parts: Vec<_> = parts.map(|(number, (kind, length))| part(number, *kind, *length)).collect();
        let values = parts.iter().filter_map(|(_, value)| value.as_ref());
        let hash = values
            .fold(Sha512::new_with_prefix(ONLY_ENCRYPTED), |hash, value| {
                hash.chain_update(value)
            })
            .finalize();
        let hash = hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        let mac = token(&hash, LAST_MODIFIED);
        let lines: String = parts.into_iter().map(|(text, _)| text).collect();
        format!(
            "{lines}sops:\n  age:\n    - recipient: age1\n      enc: none\n  lastmodified: \"{LAST_MODIFIED}\"\n  mac: {mac}\n  mac_only_encrypted: true\n  \
             unencrypted_suffix: _unencrypted\n  version: 3.13.2\n"
        )
    }

    /// What the text decrypts to.
    fn decrypted(text: &[u8], long_values: &mut LongValues) -> Option<Vec<u8>> {
        let file = SopsFile::parse(Format::Yaml, text).ok()?;
        let has_metadata = file.has_whole_metadata(long_values);
        let decrypted = file.decrypt_shortened(&DATA_KEY.to_vec().into(), long_values).ok();
        let whole = decrypted.filter(|_| has_metadata)?.into_whole(usize::MAX).ok().flatten()?;
        Some(whole.expose().to_vec())
    }

    proptest! {
        #[test]
        fn whatever_decrypts_without_its_long_values_decrypts_to_the_same_as_a_whole(
            parts in vec((0..10_usize, 1..600_usize), 1..6),
            size in 90..300_usize,
        ) {
            let file = file(&parts);
            let mut text = SopsText::new(file.len(), true);
            file.as_bytes().chunks(size).for_each(|piece| text.push(piece));
            text.finish();
            let (text, long_values) = text.parts();
            let shortened = decrypted(text.expose(), long_values);
            let whole = decrypted(file.as_bytes(), &mut LongValues::default());
            // The metadata count as damaged if the data of the MAC are kept apart. They have 172 letters.
            let is_plain = size > 172 && parts.iter().all(|(kind, _)| *kind < 3);
            prop_assert!(whole.is_some(), "{}", file);
            prop_assert!(shortened.is_none() || shortened == whole, "{}", file);
            prop_assert!(shortened.is_some() || !is_plain, "{}", file);
        }
    }
}
