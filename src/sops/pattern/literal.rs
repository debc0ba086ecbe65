//! Writes characters of a pattern that stand for themselves.

use std::fmt::Write as _;

/// Writes a character so that it stands for itself in a pattern, inside and outside of brackets.
pub(crate) fn push_literal(out: &mut String, character: char) {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(character));
    } else {
        out.push(character);
    }
}
