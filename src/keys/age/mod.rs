//! age identities as text, and the age messages that hold data keys.

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

/// The most bytes of an identity file; the limit that age itself sets.
pub(crate) const MAX_IDENTITY_BYTES: usize = 16 << 20;
/// How many bad lines of one source are reported one by one.
pub(crate) const MAX_BAD_LINES: usize = 10;
/// The most bytes of an armored message. sops writes one message for each recipient; the longest, for a 16384-bit RSA key, has 4 KiB. A
/// message that somebody made for many recipients has 2 KiB for each post-quantum one.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// The most lines of a message without armor. sops writes a message for one recipient, and the longest, for a 16384-bit RSA key, has 48.
const MAX_MESSAGE_LINES: usize = 128;
/// The most bytes of what a message holds: a data key has up to 32, and a share one more.
const MAX_KEY_BYTES: usize = 33;
/// The first line of an armored message.
const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// An age message without its armor.
pub(crate) struct AgeMessage(Vec<u8>);

impl AgeMessage {
    /// Decodes the armor and checks the form of the header. White space around the armor is accepted. A message without armor is refused,
    /// since sops writes none.
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

    /// The content of the message, if `identity` opens it. Only one identity is tried at a time: a stanza on which one identity fails must
    /// not keep another identity from its own stanza.
    pub(crate) fn open(&self, identity: &Identity, effort: &Effort<'_>) -> Result<Plaintext, EntryFailure> {
        read(self.content(identity, effort)?)
    }

    /// The content of the message, of any length, to be read by the caller. Reading it to its end authenticates it.
    pub(crate) fn content(&self, identity: &Identity, effort: &Effort<'_>) -> Result<impl Read + use<'_>, EntryFailure> {
        self.decrypt(&identity.candidate(&self.0, effort).ok_or(EntryFailure::NotOurs)?)
    }

    /// The content of the message, by the file key that a plugin found in one of the stanzas.
    pub(crate) fn open_with(&self, file_key: FileKey) -> Result<Plaintext, EntryFailure> {
        read(self.decrypt(&ends::Known(file_key))?)
    }

    /// The stanzas of the header, if it has any.
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

/// The unread rest of a message, which gives its whole header as if it were one line. The parser of the `age` crate asks for one line after
/// the other, and starts anew with each, so its time would grow with the square of the number of lines.
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

/// The length of the header: up to the end of its last line, which is the one that begins with three dashes. Without such a line, the
/// length of the message.
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

/// Reads a data key, or a share of one, to the end. Only a content that was read to its end is authenticated.
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

/// The cause to report if a file of age identities is no identity text at all.
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
        // A public key may be one line among identities, so it says nothing about the file.
        recognize::ssh_key(text).filter(|cause| *cause != Cause::PublicSshKey)
    }
}

/// The lines of an identity text that are neither empty nor comments, with their numbers.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// The words of an identity text, with their line numbers: in `SOPS_AGE_KEY` several identities may stand on one line.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    lines(text).flat_map(|(number, line)| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(move |word| (number, word))
    })
}

/// A line of an identity text that is an identity.
pub(crate) enum IdentityLine {
    /// A key at hand.
    Identity(Identity),
    /// An identity that only a plugin can use.
    Plugin(PluginIdentity),
}

impl IdentityLine {
    /// Reads one word of an identity text.
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
