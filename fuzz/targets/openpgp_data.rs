//! Reads the content of an OpenPGP message. The target encrypts what the fuzzer makes, with a session key that the target knows.
//!
//! The first byte chooses what the rest is: packets to seal, the text of a literal packet, or encrypted data. The second byte
//! chooses the bit that is changed.
#![no_main]

use aes_gcm::aes::{
    Aes128, Block,
    cipher::{BlockEncrypt as _, KeyInit as _},
};
use sha1::{Digest as _, Sha1};
use sops_install_secrets::fuzzing::pgp_data;
use sops_install_secrets_fuzz::timed_fuzz_target;

/// The session key, for AES with 128 bits. In a message, the number of the cipher comes before it, and a checksum after it (RFC
/// 9580, 5.1.3).
const KEY: [u8; 16] = [7; 16];
/// Limit: a secret has at most 4096 bytes.
const MOST_SECRET: usize = 4096;

timed_fuzz_target!(|input: &[u8]| {
    let [choice, bit, bytes @ ..] = input else { return };
    match choice % 3 {
        0 => packets(bytes, *bit),
        1 => literal(bytes),
        // These bytes were not encrypted with the session key. So they have no valid modification detection code, and must
        // not open.
        _ => assert!(open(bytes).is_err()),
    }
});

/// Seals any packets. The opened content is never longer than a secret may be, and nothing opens if a bit was changed.
fn packets(packets: &[u8], bit: u8) {
    let mut data = sealed(packets);
    if let Ok(secret) = open(&data) {
        assert!((1..=MOST_SECRET).contains(&secret.len()), "{} bytes", secret.len());
    }
    let index = usize::from(bit) * data.len() / 256;
    data[index] ^= 1 << (bit % 8);
    assert_eq!(open(&data), Err("Damaged".to_owned()), "byte {index}");
}

/// Tries a literal packet with each way of writing its length, and inside a packet of uncompressed data. Its text must open each
/// time.
fn literal(text: &[u8]) {
    let body = [b"b\x00\x00\x00\x00\x00", text].concat();
    let length = u32::try_from(body.len()).expect("a short text").to_be_bytes();
    let new = [&[0xcb, 0xff], &length[..], &body].concat();
    let old = [&[0xae], &length[..], &body].concat();
    let rest = [&[0xaf], &body[..]].concat();
    let wrapped = [&[0xa3, 0], &new[..]].concat();
    let expected = match text.len() {
        1..=MOST_SECRET => Ok(text.to_vec()),
        _ => Err("BadLength".to_owned()),
    };
    for packets in [new, old, rest, wrapped, in_pieces(&body)] {
        assert_eq!(open(&sealed(&packets)), expected, "{}", packets.escape_ascii());
    }
}

/// A literal packet in pieces of two bytes and a last piece (RFC 9580, 4.2.1.4).
fn in_pieces(body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xcb];
    let mut pieces = body.chunks_exact(2);
    for piece in &mut pieces {
        packet.push(0xe1);
        packet.extend(piece);
    }
    packet.push(u8::try_from(pieces.remainder().len()).expect("at most one byte"));
    packet.extend(pieces.remainder());
    packet
}

fn open(data: &[u8]) -> Result<Vec<u8>, String> {
    let sum: u16 = KEY.iter().map(|byte| u16::from(*byte)).sum();
    let session = [&[7], &KEY[..], &sum.to_be_bytes()].concat();
    pgp_data(&session, data).map(|secret| secret.expose().to_vec())
}

/// The body of a packet of protected data, version 1 (RFC 9580, 5.13.1), encrypted in the mode CFB. It contains a prefix in which
/// two bytes are repeated, the packets, and the modification detection code.
fn sealed(packets: &[u8]) -> Vec<u8> {
    let mut text = [&[5; 18], packets, &[0xd3, 0x14]].concat();
    let code = Sha1::digest(&text);
    text.extend(code);
    let cipher = Aes128::new(&KEY.into());
    let mut last = Block::default();
    for chunk in text.chunks_mut(16) {
        cipher.encrypt_block(&mut last);
        for (to, from) in last.iter_mut().zip(&mut *chunk) {
            *from ^= *to;
            *to = *from;
        }
    }
    [&[1], &text[..]].concat()
}
