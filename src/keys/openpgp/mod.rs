//! OpenPGP messages, opened in this process with RSA SSH keys that were converted to OpenPGP keys.
//!
//! This is the part of OpenPGP that gpg and sops write for such a key: a session key encrypted with RSA, and a message encrypted with that
//! session key, protected against changes. The standard is RFC 4880; section numbers here are those of RFC 9580. Messages without that
//! protection, and messages that are not encrypted, are refused. A signature within a message is ignored.

mod armor;
mod cipher;
mod content;
mod key;
mod packet;
#[cfg(test)]
mod tests;

use cipher::SessionKey;
pub(crate) use key::PgpKey;
use packet::{PacketReader, tag};

use super::{
    effort::{Effort, KeyCost},
    failure::EntryFailure,
};
use crate::system::plaintext::Plaintext;

/// The most bytes of an armored message. One for a 16384-bit RSA key has 4 KiB; the rest is for further recipients and comments.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// The most recipients of a message. sops writes a message for each.
const MOST_RECIPIENTS: usize = 32;
/// The most recipients of a message that are tried with one key: each takes as long as all the rest of a run.
const MOST_TRIES: usize = 8;

/// The name of the encryption that gpg calls OCB: the packets of draft-ietf-openpgp-rfc4880bis, and version 2 of protected data (RFC 9580,
/// 5.13.2).
const AEAD: &str = "OpenPGP encryption with AEAD";
/// The name of encryption without protection, which gpg refuses too.
const UNPROTECTED: &str = "OpenPGP encryption without integrity protection";

/// An OpenPGP message without its armor: session keys, each for one recipient, and the data under the session key.
pub(crate) struct PgpMessage {
    recipients: Vec<Recipient>,
    /// The body of the packet of encrypted and protected data.
    data: Vec<u8>,
}

/// The session key as one recipient finds it (RFC 9580, 5.1).
struct Recipient {
    /// The last 64 bits of the recipient's fingerprint; 0 if the sender hides the recipient.
    id: [u8; 8],
    /// A number below the modulus of the recipient's key, big-endian.
    encrypted: Vec<u8>,
}

impl PgpMessage {
    /// Takes the armor off and sorts the packets. Nothing is decrypted.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::TooLarge`], [`EntryFailure::BadArmor`], [`EntryFailure::Unsupported`], or [`EntryFailure::BadHeader`] when there is no encrypted data.
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

    /// The content of the message, if `key` opens it. Every key is tried on a hidden recipient.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::NotOurs`] when no recipient is `key`; [`EntryFailure::TooLarge`] when more may be than are tried; this,
    /// [`EntryFailure::Unsupported`], [`EntryFailure::Damaged`] and [`EntryFailure::BadLength`] tell of the content as well.
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

    /// The content of the message, by the session key. Nothing in it is parsed before its integrity is checked.
    fn read(&self, session: &SessionKey) -> Result<Plaintext, EntryFailure> {
        let packets = session.open(&self.data).ok_or(EntryFailure::Damaged)?;
        content::literal(packets.expose())
    }
}

/// The content of `body`, the body of a packet of protected data. `session` is the session key in the form that RSA encrypts.
///
/// # Errors
///
/// [`EntryFailure::Damaged`] when that is no session key, else those of [`PgpMessage::open`].
#[cfg(fuzzing)]
pub(crate) fn open_data(session: &[u8], body: &[u8]) -> Result<Plaintext, EntryFailure> {
    let message = PgpMessage {
        recipients: Vec::new(),
        data: body.to_vec(),
    };
    message.read(&SessionKey::parse(session)?)
}

impl Recipient {
    /// Parses a session key that is encrypted for an RSA key. `None` if it is for a key of another kind, or not of version 3, which gpg
    /// writes.
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

    /// The session key that is under `key`.
    fn session(&self, key: &PgpKey) -> Result<SessionKey, EntryFailure> {
        let text = key.decrypt(&self.encrypted).ok_or(EntryFailure::Damaged)?;
        SessionKey::parse(&text)
    }

    /// Whether the sender did not tell who the recipient is (`gpg --throw-keyids`).
    fn is_hidden(&self) -> bool {
        self.id == [0; 8]
    }

    /// Whether it is worth while to try `key`.
    fn may_be(&self, key: &PgpKey) -> bool {
        (self.is_hidden() || self.id == key.id()) && key.fits(&self.encrypted)
    }
}
