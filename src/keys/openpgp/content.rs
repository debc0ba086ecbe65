//! The content of a decrypted message: the literal data, perhaps compressed, perhaps signed.

use miniz_oxide::inflate::{TINFLStatus, decompress_slice_iter_to_slice};

use super::packet::{PacketReader, tag};
use crate::{keys::failure::EntryFailure, system::plaintext::Plaintext};

/// The most bytes of a secret. A part of a data key has 33.
const MAX_SECRET_BYTES: usize = 4 << 10;
/// The most bytes that compressed packets may have after decompression. A secret with a file name and signatures has far fewer.
const MAX_PACKET_BYTES: usize = 64 << 10;
/// How deep compressed packets may be nested. gpg compresses once.
const MAX_DEPTH: usize = 2;

/// Not used unless somebody forces it: gpg takes ZIP for a key that names no compression, and sops takes none.
const BZIP2: &str = "OpenPGP compression with BZip2";

/// The secret among `packets`: the first literal.
pub(crate) fn literal(packets: &[u8]) -> Result<Plaintext, EntryFailure> {
    search(packets, MAX_DEPTH)
}

/// The first literal, also within `depth` compressed packets.
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

/// The secret in the body of a literal packet: a format, the length of a file name and the name, a date of four bytes, then the text (RFC
/// 9580, 5.9). Line ends are not converted, nor does the OpenPGP library of sops convert them.
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

/// The packets in the body of a compressed packet (RFC 9580, 5.6 and 9.4).
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

/// Decompresses ZIP (RFC 1951) or ZLIB (RFC 1950).
fn inflate(body: &[u8], packets: &mut [u8], is_zlib: bool) -> Result<usize, EntryFailure> {
    decompress_slice_iter_to_slice(packets, std::iter::once(body), is_zlib, false).map_err(|status| match status {
        TINFLStatus::HasMoreOutput => EntryFailure::TooLarge,
        _ => EntryFailure::Damaged,
    })
}

/// Packets that are not compressed after all.
fn copy(body: &[u8], packets: &mut [u8]) -> Result<usize, EntryFailure> {
    packets
        .get_mut(..body.len())
        .ok_or(EntryFailure::TooLarge)?
        .copy_from_slice(body);
    Ok(body.len())
}
