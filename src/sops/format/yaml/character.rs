//! Classes of characters in YAML.

use crate::text::blocks;

/// The place of the first character that YAML allows only in the form of an escape.
pub(crate) fn find_forbidden(text: &str) -> Option<usize> {
    blocks::find(text, may_begin_forbidden, is_forbidden)
}

/// Whether a character that begins with this byte in UTF-8 may be forbidden: U+0080 to U+009F begin with 0xc2, U+FFFE and U+FFFF
/// with 0xef.
fn may_begin_forbidden(byte: u8) -> bool {
    ((byte < b' ') & !blocks::is_any(byte, *b"\t\n\r")) | blocks::is_any(byte, *b"\x7f\xc2\xef")
}

/// Whether YAML allows the character only in the form of an escape.
pub(crate) fn is_forbidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\0'..' ' | '\u{7F}'..'\u{A0}' | '\u{FFFE}' | '\u{FFFF}' => true,
        _ => false,
    }
}

/// Whether the character is a line break in YAML.
pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The place of the first line break in a text.
pub(crate) fn find_break(text: &str) -> Option<usize> {
    blocks::find(text, may_begin_break, is_break)
}

/// Whether a character that begins with this byte in UTF-8 may be a line break: U+0085 begins with 0xc2, U+2028 and U+2029 with 0xe2.
fn may_begin_break(byte: u8) -> bool {
    (byte < b' ') | blocks::is_any(byte, *b"\xc2\xe2")
}

/// Does what [`may_begin_break`] does for line breaks and single quotes.
pub(crate) fn may_begin_break_or_quote(byte: u8) -> bool {
    (byte < b' ') | blocks::is_any(byte, *b"'\xc2\xe2")
}

/// Whether the writer prints the character literally and not as an escape. As in sops, all characters above U+FFFF become
/// escapes.
pub(crate) fn is_printable(character: char) -> bool {
    match character {
        '\u{FEFF}' => false,
        '\n' | ' '..='~' | '\u{A0}'..='\u{FFFD}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_of_every_character() {
        for character in '\0'..=char::MAX {
            let first = *character.encode_utf8(&mut [0; 4]).as_bytes().first().unwrap();
            assert!(may_begin_forbidden(first) || !is_forbidden(character), "{character:?}");
            assert!(may_begin_break(first) || !is_break(character), "{character:?}");
        }
    }
}
