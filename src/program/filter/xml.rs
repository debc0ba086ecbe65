//! Text of XML, between tags or between the quotes of an attribute. Source: XML 1.0, 2.2, 2.11, 3.3.3 and 4.1.

use super::escape::{escape, hex};
use crate::sops::env_file::{Take, Unwritable, text};

/// Takes the value, with references for the characters that have a meaning, and for those that a parser changes in an attribute or at the
/// end of a line.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    let text = text(value)?;
    if text.chars().any(is_forbidden) {
        return Err("a character that XML forbids");
    }
    escape(text, is_special, spell, take);
    Ok(())
}

/// XML 1.0 has no spelling for these characters.
fn is_forbidden(character: char) -> bool {
    let is_space = matches!(character, '\t' | '\n' | '\r');
    (character < ' ' && !is_space) || matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

/// U+2028 ends a line in XML 1.1.
fn is_special(character: char) -> bool {
    character.is_control() || matches!(character, '&' | '<' | '>' | '"' | '\'' | '\u{2028}')
}

fn spell(character: char, take: Take<'_>) {
    match character {
        '&' => take(b"&amp;"),
        '<' => take(b"&lt;"),
        '>' => take(b"&gt;"),
        '"' => take(b"&quot;"),
        '\'' => take(b"&#39;"),
        other => {
            take(b"&#x");
            hex(u32::from(other), 4, take);
            take(b";");
        }
    }
}
