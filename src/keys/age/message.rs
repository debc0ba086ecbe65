//! Reads and opens age messages, which hold data keys.

use std::io::{self, BufRead, Read};

use ::age::{DecryptError, Decryptor, armor::ArmoredReader};
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use super::ends;
use crate::{
    keys::{effort::Effort, failure::EntryFailure, identity::Identity},
    system::plaintext::Plaintext,
};

/// Limit: an armored message may have at most this many bytes (64 KiB). sops writes one message for each recipient. The longest
/// message, for a 16384-bit RSA key, has 4 KiB. The rest is room for messages with several recipients. A post-quantum recipient
/// takes 2 KiB.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Limit: a message without armor may have at most this many lines. sops writes one message for each recipient. The longest
/// message, for a 16384-bit RSA key, has 48 lines.
const MAX_MESSAGE_LINES: usize = 128;
/// Limit: the content of a message may have at most this many bytes. A data key has up to 32 bytes, and a share has one byte more.
const MAX_KEY_BYTES: usize = 33;
/// The first line of an armored age message.
pub(crate) const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// The bytes of an age message without its armor.
pub(crate) struct AgeMessage(Vec<u8>);

impl AgeMessage {
    /// Decodes the armor and checks the form of the header. White space around the armor is accepted. A message without armor is
    /// refused, since sops never writes one.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::TooLarge`], [`EntryFailure::BadArmor`] or [`EntryFailure::BadHeader`].
    pub(crate) fn parse(armored: &str) -> Result<Self, EntryFailure> {
        let armored = armored.trim_ascii();
        if armored.len() > MAX_MESSAGE_BYTES {
            return Err(EntryFailure::TooLarge);
        }
        if !armored.starts_with(ARMOR) {
            return Err(EntryFailure::BadArmor);
        }
        let mut bytes = Vec::with_capacity(armored.len());
        ArmoredReader::new(armored.as_bytes())
            .read_to_end(&mut bytes)
            .map_err(|_| EntryFailure::BadArmor)?;
        if bytes.split(|byte| *byte == b'\n').count() > MAX_MESSAGE_LINES {
            return Err(EntryFailure::TooLarge);
        }
        Decryptor::new_buffered(Unread(&bytes)).map_err(|_| EntryFailure::BadHeader)?;
        Ok(Self(bytes))
    }

    /// The content of the message, if `identity` opens the message. A content that is longer than a data key or a share is an
    /// error.
    ///
    /// Each call tries only one identity. If the `age` crate got several identities, it would stop at the first identity that
    /// fails on a stanza, and would not try the others.
    pub(crate) fn open(&self, identity: &Identity, effort: &Effort<'_>) -> Result<Plaintext, EntryFailure> {
        read(self.content(identity, effort)?)
    }

    /// A reader of the content of the message. The content may have any length. The content is authenticated only after the
    /// caller has read it to its end.
    pub(crate) fn content(&self, identity: &Identity, effort: &Effort<'_>) -> Result<impl Read + use<'_>, EntryFailure> {
        self.decrypt(&identity.candidate(&self.0, effort).ok_or(EntryFailure::NotOurs)?)
    }

    /// The content of the message, decrypted with the file key that a plugin found in one of the stanzas.
    pub(crate) fn open_with(&self, file_key: FileKey) -> Result<Plaintext, EntryFailure> {
        read(self.decrypt(&ends::Known(file_key))?)
    }

    /// The stanzas of the header. Returns `None` if there is no stanza.
    pub(crate) fn stanzas(&self) -> Option<Vec<Stanza>> {
        ends::stanzas(&self.0)
    }

    fn decrypt(&self, identity: &dyn ::age::Identity) -> Result<impl Read + use<'_>, EntryFailure> {
        let decryptor = Decryptor::new_buffered(Unread(&self.0)).map_err(|_| EntryFailure::BadHeader)?;
        decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
            DecryptError::NoMatchingKeys => EntryFailure::NotOurs,
            DecryptError::InvalidHeader => EntryFailure::BadHeader,
            _ => EntryFailure::Damaged,
        })
    }
}

/// The part of a message that is not read yet. A reader gets the whole header as if the header were one line.
///
/// After each further line, the parser of the `age` crate parses all lines again that it has read so far. If the header came in its
/// real lines, the time of the parser would grow with the square of the number of lines.
struct Unread<'m>(&'m [u8]);

impl Read for Unread<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Unread<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.0)
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }

    fn read_until(&mut self, _line_end: u8, piece: &mut Vec<u8>) -> io::Result<usize> {
        let (header, rest) = self.0.split_at(header_length(self.0));
        piece.extend_from_slice(header);
        self.0 = rest;
        Ok(header.len())
    }
}

/// The length of the header in bytes. The header ends with the line that begins with three dashes. If there is no such line,
/// the whole message counts as the header.
fn header_length(message: &[u8]) -> usize {
    let mut length = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        if line.starts_with(b"---") {
            break;
        }
    }
    length
}

/// Reads a data key, or a share of one, to its end. The content is authenticated only if it was read to its end.
fn read(mut content: impl Read) -> Result<Plaintext, EntryFailure> {
    let mut key = Plaintext::default();
    let mut chunk = Zeroizing::new([0; 64]);
    while key.len() <= MAX_KEY_BYTES {
        match content.read(chunk.as_mut_slice()) {
            Ok(0) => return Ok(key),
            Ok(count) => key.push(chunk.get(..count).unwrap_or_default()),
            Err(_) => return Err(EntryFailure::Damaged),
        }
    }
    Err(EntryFailure::BadLength)
}
