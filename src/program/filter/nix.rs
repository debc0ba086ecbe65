//! Strings of the Nix language between double quotes. Source: the chapter "String literal" of the Nix manual.

use super::escape::escape;
use crate::sops::env_file::{Take, Unwritable, text};

/// Takes what stands between the quotes. No string of Nix has a NUL character.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    escape(text(value)?, is_special, spell, take);
    Ok(())
}

/// A carriage return alone would become a line feed.
fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\' | '$' | '\n' | '\r' | '\t')
}

fn spell(character: char, take: Take<'_>) {
    take(match character {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '$' => b"\\$",
        '\n' => b"\\n",
        '\r' => b"\\r",
        _ => b"\\t",
    });
}
