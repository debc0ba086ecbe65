//! As much of HPACK (RFC 7541) as it takes to read one header of an answer.
//!
//! A connection has one call, so a header that is looked for is in its block as text: nothing was there before that it could refer to.

use std::collections::BTreeMap;

/// Appendix B of RFC 7541: how many bits the code of each byte has. Codes count upwards, shorter ones first, and those of equal length in the order
/// of their bytes.
const BITS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28,
    28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7,
    6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24,
    23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22,
    23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27,
    26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25,
    24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
/// The most bits of a code.
const MOST_BITS: u8 = 30;

/// The value of the header `name` in a block of headers. `None` if it is not there, or what stands before it cannot be read.
pub(crate) fn value(mut block: &[u8], name: &str) -> Option<String> {
    loop {
        let (first, _) = block.split_first()?;
        // A header by its number, a new size of the table, and headers as text: with the number of its name, or with its name.
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let (number, rest) = number(block, prefix)?;
        block = rest;
        if matches!(prefix, 5 | 7) {
            continue;
        }
        let mut found = Vec::new();
        if number == 0 {
            (found, block) = text(block)?;
        }
        let (value, rest) = text(block)?;
        block = rest;
        if found == name.as_bytes() {
            return Some(String::from_utf8_lossy(&value).into_owned());
        }
    }
}

/// A number whose first part is the last `prefix` bits of the first byte.
fn number(bytes: &[u8], prefix: u8) -> Option<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let most = (1 << prefix) - 1;
    let mut number = usize::from(first & most);
    if number < usize::from(most) {
        return Some((number, rest));
    }
    for place in [0, 7, 14] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        number += usize::from(byte & 127) << place;
        if byte & 128 == 0 {
            return Some((number, rest));
        }
    }
    None
}

fn text(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let is_compressed = bytes.first()? & 128 != 0;
    let (length, rest) = number(bytes, 7)?;
    let (text, rest) = rest.split_at_checked(length)?;
    let text = if is_compressed { expand(text)? } else { text.to_vec() };
    Some((text, rest))
}

/// What the code of Appendix B says. The bits at the end that are no code fill the last byte.
fn expand(compressed: &[u8]) -> Option<Vec<u8>> {
    let (codes, mut text) = (codes(), Vec::new());
    let (mut code, mut bits) = (0, 0);
    for bit in compressed
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1))
    {
        (code, bits) = (code << 1 | u32::from(bit), bits + 1);
        if let Some(byte) = codes.get(&(bits, code)) {
            text.push(*byte);
            (code, bits) = (0, 0);
        } else if bits == MOST_BITS {
            return None;
        }
    }
    Some(text)
}

/// The byte of each code, by its number of bits and the bits.
fn codes() -> BTreeMap<(u8, u32), u8> {
    let mut bytes = (0..=u8::MAX).zip(BITS).collect::<Vec<_>>();
    bytes.sort_by_key(|(_, bits)| *bits);
    let (mut next, mut before) = (0, 0);
    let numbered = bytes.into_iter().map(|(byte, bits)| {
        let code = next << (bits - before);
        (next, before) = (code + 1, bits);
        ((bits, code), byte)
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        // C.4.1 and C.4.3: names by their numbers, values and a name in the code.
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(value(first, "custom-key"), None);
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        assert_eq!(value(third, "custom-key").as_deref(), Some("custom-value"));
        // C.2.1: nothing in the code.
        let plain = b"\x40\x0acustom-key\x0dcustom-header";
        assert_eq!(value(plain, "custom-key").as_deref(), Some("custom-header"));
        // C.6.1: a date has capitals, digits, a comma and a colon.
        let date = b"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff";
        assert_eq!(expand(date).as_deref(), Some(b"Mon, 21 Oct 2013 20:13:21 GMT".as_slice()));
    }

    #[test]
    fn what_is_broken_has_no_headers() {
        for broken in [
            b"".as_slice(),
            b"\x40",
            b"\x40\x0acustom",
            b"\x7f\xff\xff\xff\xff",
            b"\x00\x84\xff\xff\xff\xff\x01x",
        ] {
            assert_eq!(value(broken, "custom-key"), None, "{broken:?}");
        }
    }
}
