//! Reads the content of a decrypted message: the literal data, which may be compressed or signed.

use miniz_oxide::inflate::{TINFLStatus, decompress_slice_iter_to_slice};

use super::packet::{PacketReader, tag};
use crate::{keys::failure::EntryFailure, system::plaintext::Plaintext};

/// Limit: the secret in a message may have at most this many bytes. A data key or a share has up to 33 bytes, and its exact length
/// is checked later.
const MAX_SECRET_BYTES: usize = 4 << 10;
/// Limit: compressed packets may have at most this many bytes after decompression. A secret with a file name and signatures has far
/// fewer bytes.
const MAX_PACKET_BYTES: usize = 64 << 10;
/// Limit: compressed packets may be nested in at most this many levels. gpg compresses only once.
const MAX_DEPTH: usize = 2;

/// The name of bzip2 compression in the failure report. gpg uses bzip2 only if somebody forces gpg to use it. For a key that
/// names no compression, gpg uses ZIP, and sops does not compress.
const BZIP2: &str = "OpenPGP compression with BZip2";

/// The secret in the first packet of literal data among `packets`.
///
/// # Errors
///
/// [`EntryFailure::Damaged`] if there is no such packet, or if a packet is malformed. [`EntryFailure::BadLength`],
/// [`EntryFailure::TooLarge`] or [`EntryFailure::Unsupported`] if the secret cannot be taken.
pub(crate) fn literal(packets: &[u8]) -> Result<Plaintext, EntryFailure> {
    search(packets, MAX_DEPTH)
}

/// The secret in the first packet of literal data. Compressed packets are searched too, up to `depth` levels.
fn search(packets: &[u8], depth: usize) -> Result<Plaintext, EntryFailure> {
    for packet in PacketReader::new(packets) {
        let packet = packet.map_err(|error| error.or(EntryFailure::Damaged))?;
        let body = packet.body.expose();
        match packet.tag {
            tag::LITERAL => return secret(body),
            tag::COMPRESSED => {
                let depth = depth.checked_sub(1).ok_or(EntryFailure::Damaged)?;
                return search(decompress(body)?.expose(), depth);
            }
            tag::SIGNATURE | tag::ONE_PASS_SIGNATURE | tag::MARKER | tag::PADDING => {}
            _ => break,
        }
    }
    Err(EntryFailure::Damaged)
}

/// The secret in the body of a packet of literal data. Before the secret stand a format byte, the length of a file name, the
/// name, and a date of four bytes (RFC 9580, 5.9).
///
/// Line ends are not converted, since the OpenPGP library of sops does not convert them either.
fn secret(body: &[u8]) -> Result<Plaintext, EntryFailure> {
    let name = body.get(1).ok_or(EntryFailure::Damaged)?;
    let text = body.get(usize::from(*name) + 6..).ok_or(EntryFailure::Damaged)?;
    if text.is_empty() || text.len() > MAX_SECRET_BYTES {
        return Err(EntryFailure::BadLength);
    }
    let mut secret = Plaintext::with_capacity(text.len());
    secret.push(text);
    Ok(secret)
}

/// Decompresses the body of a compressed packet, and returns the packets in the body (RFC 9580, 5.6 and 9.4).
fn decompress(body: &[u8]) -> Result<Plaintext, EntryFailure> {
    let (algorithm, body) = body.split_first().ok_or(EntryFailure::Damaged)?;
    let mut packets = Plaintext::from(vec![0; MAX_PACKET_BYTES]);
    let length = match algorithm {
        0 => copy(body, packets.expose_mut()),
        1 => inflate(body, packets.expose_mut(), false),
        2 => inflate(body, packets.expose_mut(), true),
        3 => Err(EntryFailure::Unsupported(BZIP2)),
        _ => Err(EntryFailure::Damaged),
    }?;
    packets.truncate(length);
    Ok(packets)
}

/// Decompresses ZIP data (RFC 1951), or ZLIB data (RFC 1950) if `is_zlib` is set, into `packets`. Returns the number of bytes.
fn inflate(body: &[u8], packets: &mut [u8], is_zlib: bool) -> Result<usize, EntryFailure> {
    decompress_slice_iter_to_slice(packets, std::iter::once(body), is_zlib, false).map_err(|status| match status {
        TINFLStatus::HasMoreOutput => EntryFailure::TooLarge,
        _ => EntryFailure::Damaged,
    })
}

/// Copies the packets in a compressed packet with the algorithm 0, which means "uncompressed". Returns the number of bytes.
fn copy(body: &[u8], packets: &mut [u8]) -> Result<usize, EntryFailure> {
    packets
        .get_mut(..body.len())
        .ok_or(EntryFailure::TooLarge)?
        .copy_from_slice(body);
    Ok(body.len())
}
