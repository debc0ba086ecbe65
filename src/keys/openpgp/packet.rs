//! The packets that OpenPGP data consists of (RFC 9580, 4.2).

use crate::{keys::failure::EntryFailure, system::plaintext::Plaintext};

/// What a packet is (RFC 9580, 5).
pub(crate) mod tag {
    /// A session key for the holder of a private key.
    pub(crate) const PUBLIC_KEY_SESSION_KEY: u8 = 1;
    /// A signature.
    pub(crate) const SIGNATURE: u8 = 2;
    /// A session key, encrypted with a password.
    pub(crate) const PASSWORD_SESSION_KEY: u8 = 3;
    /// The announcement of a signature.
    pub(crate) const ONE_PASS_SIGNATURE: u8 = 4;
    /// Packets, compressed.
    pub(crate) const COMPRESSED: u8 = 8;
    /// A packet without meaning, which is skipped.
    pub(crate) const MARKER: u8 = 10;
    /// The literal data: what was encrypted.
    pub(crate) const LITERAL: u8 = 11;
    /// Encrypted packets that are protected against changes.
    pub(crate) const PROTECTED_DATA: u8 = 18;
    /// Encrypted packets that anybody could change unnoticed.
    pub(crate) const UNPROTECTED_DATA: u8 = 9;
    /// Encrypted packets in the mode OCB or EAX (draft-ietf-openpgp-rfc4880bis), as gpg writes them since 2.3 for keys that allow it.
    pub(crate) const AEAD_DATA: u8 = 20;
    /// Random bytes; to be passed over.
    pub(crate) const PADDING: u8 = 21;
}

/// One packet. Its body may be secret, so it is treated as such.
pub(crate) struct Packet {
    pub tag: u8,
    pub body: Plaintext,
}

/// The most packets in a row. A message has one for each recipient, and one more.
const MOST_PACKETS: usize = 64;

/// Why there is no further packet.
pub(crate) enum PacketError {
    /// The bytes are no packet, or one that is cut off.
    Malformed,
    /// There are more packets than a message with a data key has.
    TooMany,
}

/// Reads one packet after the other. What follows a malformed packet has no meaning.
pub(crate) struct PacketReader<'a> {
    rest: &'a [u8],
    /// How many packets were read.
    count: usize,
}

/// How long the next piece of a packet is.
enum Length {
    /// The last piece of so many bytes.
    Last(usize),
    /// A piece of so many bytes, and more to come.
    Partial(usize),
    /// All that is left.
    Indeterminate,
}

impl<'a> PacketReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, count: 0 }
    }

    /// The packet that begins here (RFC 9580, 4.2).
    fn packet(&mut self) -> Option<Packet> {
        let first = self.byte()?;
        // The first bit is always set. The second one tells the current format of packets from the legacy format.
        let tag = match first >> 6 {
            0b11 => first & 0x3f,
            0b10 => first >> 2 & 0x0f,
            _ => return None,
        };
        let body = if first >> 6 == 0b11 {
            self.new_body()
        } else {
            self.old_body(first & 3)
        }?;
        Some(Packet { tag, body })
    }

    /// The body of a packet in today's format, whose pieces each have a length (RFC 9580, 4.2.1).
    fn new_body(&mut self) -> Option<Plaintext> {
        let mut body = Plaintext::default();
        loop {
            let length = self.new_length()?;
            body.push(self.piece(&length)?);
            if !matches!(length, Length::Partial(_)) {
                return Some(body);
            }
        }
    }

    /// The body of a packet in the legacy format (RFC 9580, 4.2.2).
    fn old_body(&mut self, kind: u8) -> Option<Plaintext> {
        let length = match kind {
            0 => Length::Last(self.integer(1)?),
            1 => Length::Last(self.integer(2)?),
            2 => Length::Last(self.integer(4)?),
            _ => Length::Indeterminate,
        };
        let piece = self.piece(&length)?;
        let mut body = Plaintext::with_capacity(piece.len());
        body.push(piece);
        Some(body)
    }

    /// A length in today's format.
    fn new_length(&mut self) -> Option<Length> {
        let first = usize::from(self.byte()?);
        Some(match first {
            0..192 => Length::Last(first),
            192..224 => Length::Last(((first - 192) << 8) + self.integer(1)? + 192),
            224..255 => Length::Partial(1 << (first & 0x1f)),
            _ => Length::Last(self.integer(4)?),
        })
    }

    /// The bytes that a length announces.
    fn piece(&mut self, length: &Length) -> Option<&'a [u8]> {
        match length {
            Length::Last(count) | Length::Partial(count) => self.take(*count),
            Length::Indeterminate => self.take(self.rest.len()),
        }
    }

    /// A number of `count` bytes, big-endian.
    fn integer(&mut self, count: usize) -> Option<usize> {
        let bytes = self.take(count)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

impl Iterator for PacketReader<'_> {
    type Item = Result<Packet, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.count += 1;
        if self.count > MOST_PACKETS {
            return Some(Err(PacketError::TooMany));
        }
        Some(self.packet().ok_or(PacketError::Malformed))
    }
}

impl PacketError {
    /// The failure to report. `malformed` is the one for a malformed packet.
    pub(crate) fn or(self, malformed: EntryFailure) -> EntryFailure {
        match self {
            Self::Malformed => malformed,
            Self::TooMany => EntryFailure::TooLarge,
        }
    }
}

/// A number as OpenPGP writes it: its length in bits, then its bytes, big-endian (RFC 9580, 3.2).
pub(crate) fn number(bytes: &[u8]) -> Option<&[u8]> {
    let (bits, bytes) = bytes.split_first_chunk()?;
    bytes.get(..usize::from(u16::from_be_bytes(*bits)).div_ceil(8))
}
