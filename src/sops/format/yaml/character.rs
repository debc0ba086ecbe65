//! Classes of characters in YAML.

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

/// Whether the writer prints the character literally and not as an escape. As in sops, all characters above U+FFFF become
/// escapes.
pub(crate) fn is_printable(character: char) -> bool {
    match character {
        '\u{FEFF}' => false,
        '\n' | ' '..='~' | '\u{A0}'..='\u{FFFD}' => true,
        _ => false,
    }
}
