//! The files of `EnvironmentFile=`. Sources: systemd.exec(5), and `src/basic/env-file.c` and `env-util.c` of systemd.

use super::unwritable::{Take, Unwritable, text};

/// The most bytes of a name and its value together: Linux allows 131,072 for `NAME=value` and the NUL behind it (`MAX_ARG_STRLEN`).
pub(crate) const MOST: usize = 131_070;

pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    take(b"\"");
    between_double_quotes(value, take)?;
    take(b"\"");
    Ok(())
}

/// Between double quotes, each character stands for itself, also a line feed. The same four characters as for a shell need a backslash.
///
/// Older versions of systemd leave out a variable with a control character. All of them refuse the whole file if it has a code point that
/// Unicode has set apart as no character.
pub(crate) fn between_double_quotes(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    let text = text(value)?;
    if text.chars().any(|c| c.is_ascii_control() && c != '\n' && c != '\t') {
        return Err("a control character");
    }
    if text.chars().any(is_noncharacter) {
        return Err("a code point that is no character");
    }
    escape(value, b"\"\\`$", take);
    Ok(())
}

/// Takes the value with a backslash before each of the `special` bytes.
fn escape(value: &[u8], special: &[u8], take: Take<'_>) {
    for part in value.split_inclusive(|byte| special.contains(byte)) {
        match part.split_last() {
            Some((last, rest)) if special.contains(last) => {
                take(rest);
                take(b"\\");
                take(std::slice::from_ref(last));
            }
            _ => take(part),
        }
    }
}

/// Whether Unicode has set the code point apart as no character: U+FDD0 to U+FDEF, and the last two of each plane.
pub(crate) fn is_noncharacter(character: char) -> bool {
    let code = u32::from(character);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}
