//! Reads age identities, and opens the age messages that hold data keys.

pub(crate) mod ends;
mod plugin_identity;

use std::io::{self, BufRead, Read};

use ::age::{DecryptError, Decryptor, armor::ArmoredReader, x25519};
use age_core::format::{FileKey, Stanza};
pub(crate) use plugin_identity::PluginIdentity;
use zeroize::Zeroizing;

use super::{
    effort::Effort,
    failure::EntryFailure,
    foreign::Foreign,
    hybrid::{self, HybridIdentity},
    identity::Identity,
    problem::{Cause, Place},
    recognize,
};
use crate::system::plaintext::Plaintext;

/// The most bytes of a file of age identities: 16 MiB, which is also the limit of age itself.
pub(crate) const MAX_IDENTITY_BYTES: usize = 16 << 20;
/// The most bad lines of one source that are reported one by one. Further bad lines are only counted.
pub(crate) const MAX_BAD_LINES: usize = 10;
/// The most bytes of an armored message: 64 KiB. sops writes one message for each recipient. The longest message, for a
/// 16384-bit RSA key, has 4 KiB. The rest is room for messages with several recipients. A post-quantum recipient takes 2 KiB.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// The most lines of a message without armor. sops writes one message for each recipient. The longest message, for a 16384-bit
/// RSA key, has 48 lines.
const MAX_MESSAGE_LINES: usize = 128;
/// The most bytes of the content of a message. A data key has up to 32 bytes, and a share has one byte more.
const MAX_KEY_BYTES: usize = 33;
/// The first line of an armored age message.
const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

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

    /// The content of the message if `identity` opens it, limited to the length of a data key.
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
/// The parser of the `age` crate parses all lines that it has read again after each further line. If the header came in its
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

/// The cause to report if the text of a key source holds something else than age identities, such as an SSH key. Returns `None`
/// if the text may hold identities.
pub(crate) fn foreign_content(text: &[u8]) -> Option<Cause> {
    let text = text.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    if line.starts_with(b"age-encryption.org/") || line.starts_with(ARMOR.as_bytes()) {
        Some(Cause::EncryptedIdentities)
    } else if line.starts_with(b"-----BEGIN PGP ") {
        Some(Cause::Foreign(Foreign::OpenPgp))
    } else if line.starts_with(b"-----BEGIN ") && line.ends_with(b" PRIVATE KEY-----") {
        Some(Cause::SshKey)
    } else {
        // A public SSH key may be one bad line among good identities. So a public key does not make the whole text useless. The
        // line is reported later.
        recognize::ssh_key(text).filter(|cause| *cause != Cause::PublicSshKey)
    }
}

/// The lines of a text of age identities, with their numbers. Empty lines and comments are left out.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// The words of a text of age identities, with the numbers of their lines. In `SOPS_AGE_KEY`, several identities may stand on one
/// line.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    lines(text).flat_map(|(number, line)| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(move |word| (number, word))
    })
}

/// One identity from a text of age identities.
pub(crate) enum IdentityLine {
    /// An identity that this process can use by itself.
    Identity(Identity),
    /// An identity that only a plugin can use.
    Plugin(PluginIdentity),
}

impl IdentityLine {
    /// Parses one word of a text of age identities. `place` is the key source, for messages.
    ///
    /// # Errors
    ///
    /// The [`Cause`] to report if the word is no age identity.
    pub(crate) fn parse(text: &[u8], place: &Place) -> Result<Self, Cause> {
        let text = str::from_utf8(text).map_err(|_| Cause::BadLine)?;
        match text {
            _ if text.starts_with("AGE-PLUGIN-") => PluginIdentity::parse(text).map(Self::Plugin).ok_or(Cause::BadLine),
            _ if text.starts_with(hybrid::IDENTITY_PREFIX) => HybridIdentity::parse(text)
                .map(|secret| Self::Identity(Identity::from_hybrid(secret, place.clone())))
                .ok_or(Cause::BadLine),
            _ if text.starts_with("age1") => Err(Cause::RecipientLine),
            _ if recognize::ssh_key(text.as_bytes()).is_some() => Err(Cause::PublicSshKey),
            _ => text
                .parse::<x25519::Identity>()
                .map(|secret| Self::Identity(Identity::from_age(secret, place.clone())))
                .map_err(|_| Cause::BadLine),
        }
    }
}
