//! Classes of characters in YAML.

/// Whether this character may be in YAML only as an escape.
pub(crate) fn is_forbidden(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\0'..' ' | '\u{7F}'..'\u{A0}' | '\u{FFFE}' | '\u{FFFF}' => true,
        _ => false,
    }
}

/// Whether a line ends here.
pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character is printed as itself and not as an escape. Like sops, this counts characters above U+FFFF as unprintable.
pub(crate) fn is_printable(character: char) -> bool {
    match character {
        '\u{FEFF}' => false,
        '\n' | ' '..='~' | '\u{A0}'..='\u{FFFD}' => true,
        _ => false,
    }
}
