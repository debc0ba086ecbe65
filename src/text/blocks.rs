//! Looks through a text block by block, which is many times as fast as character by character.

use std::ops::BitOr;

/// How many bytes are looked at in one piece. The compiler makes a few instructions of this.
const BLOCK: usize = 32;

/// The number of bytes at the beginning of `bytes` for which `is_wanted` holds.
pub(crate) fn run(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    let count = |bytes: &[u8]| bytes.iter().take_while(|byte| is_wanted(**byte)).count();
    // Most runs are short. The first bytes are looked at one by one.
    let (near, far) = bytes.split_at(BLOCK.min(bytes.len()));
    let length = count(near);
    if length < near.len() {
        return length;
    }
    let blocks = leading_blocks(far, |byte| !is_wanted(byte));
    let rest = far.get(blocks..).unwrap_or_default();
    length.saturating_add(blocks).saturating_add(count(rest))
}

/// The place of the first character of `text` for which `is_it` holds. `may_begin` says of a byte whether it may be the first byte of
/// such a character in UTF-8. Blocks without such bytes are skipped.
pub(crate) fn find(text: &str, may_begin: impl Fn(u8) -> bool, is_it: impl Fn(char) -> bool) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = text.get(start..)?;
        // The nearest characters are looked at one by one: where what is looked for is frequent, blocks are of no use.
        let (near, far) = rest.split_at(rest.ceil_char_boundary(BLOCK));
        if let Some(place) = near.find(&is_it) {
            return Some(start.saturating_add(place));
        }
        if far.is_empty() {
            return None;
        }
        // A character may lie on the border of two blocks.
        let skipped = far.floor_char_boundary(leading_blocks(far.as_bytes(), &may_begin));
        start = start.saturating_add(near.len()).saturating_add(skipped);
    }
}

/// Splits `text` at the first character that [`find`] finds: the text before it, the character, and the text behind it.
pub(crate) fn split(text: &str, may_begin: impl Fn(u8) -> bool, is_it: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let (before, rest) = text.split_at_checked(find(text, may_begin, is_it)?)?;
    let mut characters = rest.chars();
    Some((before, characters.next()?, characters.as_str()))
}

/// Whether `byte` is one of a few others. All of them are compared, without a branch, so that the compiler can do this for all bytes of
/// a block at once.
pub(crate) fn is_any<const N: usize>(byte: u8, others: [u8; N]) -> bool {
    others.iter().map(|other| *other == byte).fold(false, BitOr::bitor)
}

/// The length of the blocks at the beginning of `bytes` in which `is_it` holds for no byte.
fn leading_blocks(bytes: &[u8], is_it: impl Fn(u8) -> bool) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // Each byte of a block is looked at, whatever the others are: that is what makes it fast.
    let is_without = |block: &&[u8; BLOCK]| !block.iter().fold(false, |found, byte| found | is_it(*byte));
    blocks.iter().take_while(is_without).count().saturating_mul(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_before_the_first_other_byte() {
        for length in 0..200 {
            for end in ["", "b", "b and others that are long enough for another block"] {
                let text = "a".repeat(length) + end + "a";
                let wanted = if end.is_empty() { length + 1 } else { length };
                assert_eq!(run(text.as_bytes(), |byte| byte == b'a'), wanted, "{text}");
            }
        }
    }

    #[test]
    fn a_character_is_found_wherever_it_stands() {
        let is_it = |character| matches!(character, '\n' | '\u{85}' | '\u{2028}');
        let may_begin = |byte| matches!(byte, b'\n' | 0xc2 | 0xe2);
        for character in ['\n', '\u{85}', '\u{2028}'] {
            for fill in ["a", "é", "€", "😀", "a\u{2026}", "\u{a0}"] {
                for before in 0..200 {
                    for after in [0, 1, 100] {
                        let text = format!("{}{character}{}\n", fill.repeat(before), fill.repeat(after));
                        assert_eq!(
                            find(&text, may_begin, is_it),
                            text.find(is_it),
                            "{character:?} behind {before} {fill}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        for length in 0..200 {
            for fill in ["a", "é", "€", "\u{2026}"] {
                let text = fill.repeat(length);
                assert_eq!(find(&text, |byte| byte == 0xe2, |character| character == '\u{2028}'), None);
            }
        }
    }
}
