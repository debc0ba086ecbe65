//! Strings of JSON (RFC 8259) that are strings of YAML, too, between double quotes (YAML 1.1 and 1.2).

use super::escape::{escape, hex};
use crate::sops::env_file::{NOT_UTF8, Take, Unwritable};

/// Takes what stands between the quotes.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    let text = str::from_utf8(value).map_err(|_| NOT_UTF8)?;
    escape(text, is_special, spell, take);
    Ok(())
}

/// What JSON has to escape, and what YAML does not take for printable, or takes for the end of a line.
fn is_special(character: char) -> bool {
    let is_invisible = matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}');
    is_invisible || character.is_control() || matches!(character, '"' | '\\')
}

fn spell(character: char, take: Take<'_>) {
    match character {
        '"' => take(b"\\\""),
        '\\' => take(b"\\\\"),
        '\n' => take(b"\\n"),
        '\r' => take(b"\\r"),
        '\t' => take(b"\\t"),
        other => {
            take(b"\\u");
            // No special character has a longer code.
            hex(u32::from(other), 4, take);
        }
    }
}
