//! The files of `EnvironmentFile=`. Sources: systemd.exec(5), and `src/basic/env-file.c` and `env-util.c` of systemd.

use super::unwritable::{Unwritable, text};
use crate::system::plaintext::Plaintext;

/// The most bytes of a name and its value together: Linux allows 131,072 for `NAME=value` and the NUL behind it (`MAX_ARG_STRLEN`).
pub(crate) const MOST: usize = 131_070;

/// Between double quotes, each character stands for itself, also a line feed. Four characters need a backslash.
///
/// systemd leaves out a variable with a control character, and refuses the whole file if it has a code point that Unicode has set apart
/// as no character.
pub(crate) fn write(value: &[u8], out: &mut Plaintext) -> Result<(), Unwritable> {
    let text = text(value)?;
    if text.chars().any(|c| c.is_ascii_control() && c != '\n' && c != '\t') {
        return Err("a control character");
    }
    if text.chars().any(is_noncharacter) {
        return Err("a code point that is no character");
    }
    out.push(b"\"");
    for part in value.split_inclusive(|byte| b"\"\\`$".contains(byte)) {
        match part.split_last() {
            Some((last, rest)) if b"\"\\`$".contains(last) => {
                out.push(rest);
                out.push(&[b'\\', *last]);
            }
            _ => out.push(part),
        }
    }
    out.push(b"\"");
    Ok(())
}

/// Whether Unicode has set the code point apart as no character: U+FDD0 to U+FDEF, and the last two of each plane.
fn is_noncharacter(character: char) -> bool {
    let code = u32::from(character);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}
