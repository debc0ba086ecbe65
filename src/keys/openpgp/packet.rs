//! Reads the packets of OpenPGP data (RFC 9580, 4.2).

use crate::{keys::failure::EntryFailure, system::plaintext::Plaintext};

/// The numbers of the kinds of packets (RFC 9580, 5).
pub(crate) mod tag {
    /// A packet with a session key that is encrypted to a public key.
    pub(crate) const PUBLIC_KEY_SESSION_KEY: u8 = 1;
    /// A packet with a signature.
    pub(crate) const SIGNATURE: u8 = 2;
    /// A packet with a session key that is encrypted with a password.
    pub(crate) const PASSWORD_SESSION_KEY: u8 = 3;
    /// A packet that announces a signature after the data.
    pub(crate) const ONE_PASS_SIGNATURE: u8 = 4;
    /// A packet that holds other packets in compressed form.
    pub(crate) const COMPRESSED: u8 = 8;
    /// A packet without meaning, which is skipped.
    pub(crate) const MARKER: u8 = 10;
    /// A packet with literal data, which are the content that was encrypted.
    pub(crate) const LITERAL: u8 = 11;
    /// A packet that holds encrypted packets, protected against changes.
    pub(crate) const PROTECTED_DATA: u8 = 18;
    /// A packet that holds encrypted packets without protection. Anybody could change such packets unnoticed.
    pub(crate) const UNPROTECTED_DATA: u8 = 9;
    /// A packet that holds encrypted packets in the mode OCB or EAX (draft-ietf-openpgp-rfc4880bis). gpg writes such packets
    /// since version 2.3, for keys that allow them.
    pub(crate) const AEAD_DATA: u8 = 20;
    /// A packet with random bytes, which is skipped.
    pub(crate) const PADDING: u8 = 21;
}

/// A packet: the number of its kind, and its body. The body may be secret, so it is wiped when it is dropped.
pub(crate) struct Packet {
    pub tag: u8,
    pub body: Plaintext,
}

/// Limit: one [`PacketReader`] reads at most this many packets. A message has one packet for each recipient, and one for the data.
const MOST_PACKETS: usize = 64;

/// The reason why no further packet can be read.
pub(crate) enum PacketError {
    /// The bytes are not a packet, or the packet is cut off.
    Malformed,
    /// There are more packets than a message with a data key has.
    TooMany,
}

/// Reads packets, one after the other. A caller must stop at the first error, since the bytes after a malformed packet have no
/// meaning.
pub(crate) struct PacketReader<'a> {
    rest: &'a [u8],
    /// The number of packets that were read.
    count: usize,
}

/// The length of the next piece of a packet.
enum Length {
    /// The last piece of a packet, with this number of bytes.
    Last(usize),
    /// A piece with this number of bytes, after which more pieces follow.
    Partial(usize),
    /// A piece that takes all bytes that are left.
    Indeterminate,
}

impl<'a> PacketReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, count: 0 }
    }

    /// Reads the packet at the beginning of `rest` (RFC 9580, 4.2).
    fn packet(&mut self) -> Option<Packet> {
        let first = self.byte()?;
        // The first bit of a packet is always set. The second bit is set in the current format and clear in the legacy format.
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

    /// Reads the body of a packet in the current format. The body consists of pieces, and each piece begins with its length (RFC
    /// 9580, 4.2.1).
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

    /// Reads the body of a packet in the legacy format (RFC 9580, 4.2.2). `kind` says how the length is written.
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

    /// Reads a length in the current format (RFC 9580, 4.2.1).
    fn new_length(&mut self) -> Option<Length> {
        let first = usize::from(self.byte()?);
        Some(match first {
            0..192 => Length::Last(first),
            192..224 => Length::Last(((first - 192) << 8) + self.integer(1)? + 192),
            224..255 => Length::Partial(1 << (first & 0x1f)),
            _ => Length::Last(self.integer(4)?),
        })
    }

    /// Takes the bytes of a piece with the length `length`. Returns `None` if fewer bytes are left.
    fn piece(&mut self, length: &Length) -> Option<&'a [u8]> {
        match length {
            Length::Last(count) | Length::Partial(count) => self.take(*count),
            Length::Indeterminate => self.take(self.rest.len()),
        }
    }

    /// Reads a big-endian number of `count` bytes.
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
    /// The failure to report for this error. `malformed` is the failure to report if a packet is malformed.
    pub(crate) fn or(self, malformed: EntryFailure) -> EntryFailure {
        match self {
            Self::Malformed => malformed,
            Self::TooMany => EntryFailure::TooLarge,
        }
    }
}

/// The big-endian bytes of the number with which `bytes` begins. In OpenPGP, the length of a number in bits stands before its
/// bytes (RFC 9580, 3.2).
pub(crate) fn number(bytes: &[u8]) -> Option<&[u8]> {
    let (bits, bytes) = bytes.split_first_chunk()?;
    bytes.get(..usize::from(u16::from_be_bytes(*bits)).div_ceil(8))
}
