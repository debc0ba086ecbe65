//! Opens OpenPGP messages in this process, with RSA SSH keys that were converted to OpenPGP keys.
//!
//! This module supports only the part of OpenPGP that gpg and sops use for such a key: a session key that is encrypted with RSA,
//! and data that are encrypted with the session key and protected against changes. The standard is RFC 4880; section numbers here
//! refer to RFC 9580.
//!
//! Unencrypted messages, and messages without protection against changes, are refused. A signature within a message is ignored.

mod armor;
mod cipher;
mod content;
mod key;
mod packet;
#[cfg(test)]
mod tests;

use cipher::SessionKey;
pub(crate) use key::{PgpKey, bits, fingerprint};
use packet::{PacketReader, tag};

use super::{
    effort::{Effort, KeyCost},
    failure::EntryFailure,
};
use crate::system::plaintext::Plaintext;

/// Limit: an armored message may have at most this many bytes (64 KiB). A message for a 16384-bit RSA key has 4 KiB. The rest is
/// room for further recipients and comments.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Limit: one message may have at most this many recipients. sops writes a separate message for each recipient.
const MOST_RECIPIENTS: usize = 32;
/// Limit: in one message, each key is tried on at most this many recipients. Each try takes as long as the rest of a run.
const MOST_TRIES: usize = 8;

/// The name, in the failure report, of the encryption that gpg calls OCB. OCB occurs in two formats: packets of
/// draft-ietf-openpgp-rfc4880bis, and version 2 of protected data (RFC 9580, 5.13.2).
const AEAD: &str = "OpenPGP encryption with AEAD";
/// The name, in the failure report, of encryption without protection against changes. gpg refuses messages with this
/// encryption too.
const UNPROTECTED: &str = "OpenPGP encryption without integrity protection";

/// An OpenPGP message without its armor: the session key, encrypted for each recipient, and the data that are encrypted with the
/// session key.
pub(crate) struct PgpMessage {
    recipients: Vec<Recipient>,
    /// The body of the packet that holds the encrypted and protected data.
    data: Vec<u8>,
}

/// The session key of a message, encrypted for one recipient (RFC 9580, 5.1).
struct Recipient {
    /// The key ID of the recipient, the last 64 bits of the fingerprint. The key ID is zero if the sender hides the recipient.
    id: [u8; 8],
    /// The encrypted session key: a big-endian number that is smaller than the modulus of the recipient's key.
    encrypted: Vec<u8>,
}

impl PgpMessage {
    /// Decodes the armor, and reads the packets up to the one with the encrypted data. Nothing is decrypted.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::TooLarge`], [`EntryFailure::BadArmor`] or [`EntryFailure::Unsupported`]. [`EntryFailure::BadHeader`] if a
    /// packet is malformed, or if there are no encrypted data.
    pub(crate) fn parse(armored: &str) -> Result<Self, EntryFailure> {
        if armored.len() > MAX_MESSAGE_BYTES {
            return Err(EntryFailure::TooLarge);
        }
        let bytes = armor::decode(armored).ok_or(EntryFailure::BadArmor)?;
        let mut recipients = Vec::new();
        for packet in PacketReader::new(&bytes) {
            let packet = packet.map_err(|error| error.or(EntryFailure::BadHeader))?;
            match packet.tag {
                tag::PUBLIC_KEY_SESSION_KEY if recipients.len() == MOST_RECIPIENTS => return Err(EntryFailure::TooLarge),
                tag::PUBLIC_KEY_SESSION_KEY => recipients.extend(Recipient::parse(packet.body.expose())),
                tag::PASSWORD_SESSION_KEY | tag::MARKER | tag::PADDING => {}
                tag::PROTECTED_DATA if packet.body.expose().first() == Some(&2) => return Err(EntryFailure::Unsupported(AEAD)),
                tag::PROTECTED_DATA => {
                    let data = packet.body.expose().to_vec();
                    return Ok(Self { recipients, data });
                }
                tag::AEAD_DATA => return Err(EntryFailure::Unsupported(AEAD)),
                tag::UNPROTECTED_DATA => return Err(EntryFailure::Unsupported(UNPROTECTED)),
                _ => break,
            }
        }
        Err(EntryFailure::BadHeader)
    }

    /// The content of the message if `key` opens it. A hidden recipient may be any key, so `key` is tried on it.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::NotOurs`] if `key` is none of the recipients, or if `effort` allows no try. [`EntryFailure::TooLarge`] if
    /// more than `MOST_TRIES` recipients may be `key`, or if the content is too large. [`EntryFailure::Unsupported`],
    /// [`EntryFailure::Damaged`] or [`EntryFailure::BadLength`] if the session key or the content cannot be used.
    pub(crate) fn open(&self, key: &PgpKey, effort: &Effort<'_>) -> Result<Plaintext, EntryFailure> {
        let mut worst = EntryFailure::NotOurs;
        let mut recipients = self.recipients.iter().filter(|recipient| recipient.may_be(key));
        for recipient in recipients.by_ref().take(MOST_TRIES) {
            if !effort.take(KeyCost::Rsa) {
                return Err(worst);
            }
            match recipient.session(key) {
                Ok(session) => match self.read(&session) {
                    Ok(content) => return Ok(content),
                    Err(failure) => worst = failure,
                },
                Err(EntryFailure::Damaged) if recipient.is_hidden() => {}
                Err(failure) => worst = failure,
            }
        }
        Err(recipients.next().map_or(worst, |_| EntryFailure::TooLarge))
    }

    /// The content of the message, decrypted with its session key. The integrity of the data is checked before any part of the data
    /// is parsed.
    fn read(&self, session: &SessionKey) -> Result<Plaintext, EntryFailure> {
        let packets = session.open(&self.data).ok_or(EntryFailure::Damaged)?;
        content::literal(packets.expose())
    }
}

/// The content of `body`, the body of a packet of protected data. `session` is the text that [`SessionKey::parse`] takes.
///
/// # Errors
///
/// [`EntryFailure::Damaged`] or [`EntryFailure::Unsupported`] if `session` is no session key that can be used. Otherwise the
/// failures of [`PgpMessage::open`] that are about the content.
#[cfg(fuzzing)]
pub(crate) fn open_data(session: &[u8], body: &[u8]) -> Result<Plaintext, EntryFailure> {
    let message = PgpMessage {
        recipients: Vec::new(),
        data: body.to_vec(),
    };
    message.read(&SessionKey::parse(session)?)
}

impl Recipient {
    /// Parses a packet with an encrypted session key. Returns `None` if the session key is not for an RSA key, or if the packet
    /// is not of version 3, which gpg writes.
    fn parse(body: &[u8]) -> Option<Self> {
        let ([3, id @ .., algorithm], number) = body.split_first_chunk::<10>()? else {
            return None;
        };
        key::is_rsa(*algorithm).then(|| {
            Some(Self {
                id: *id,
                encrypted: packet::number(number)?.to_vec(),
            })
        })?
    }

    /// Decrypts the session key with `key`.
    fn session(&self, key: &PgpKey) -> Result<SessionKey, EntryFailure> {
        let text = key.decrypt(&self.encrypted).ok_or(EntryFailure::Damaged)?;
        SessionKey::parse(&text)
    }

    /// Whether the sender hides the recipient of the session key (`gpg --throw-keyids`).
    fn is_hidden(&self) -> bool {
        self.id == [0; 8]
    }

    /// Whether `key` may be the key of the recipient. Only then does a try make sense.
    fn may_be(&self, key: &PgpKey) -> bool {
        (self.is_hidden() || self.id == key.id()) && key.fits(&self.encrypted)
    }
}
