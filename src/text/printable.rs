//! Makes texts from outside safe to print, so that they cannot control a terminal.

use std::{fmt::Write as _, path::Path};

/// Limit: a message shows at most this many characters of a text from outside.
const MAX_NAME: usize = 200;

/// A text from outside, safe to print: one line without control characters, and at most [`MAX_NAME`] characters.
pub(crate) fn printable(name: &str) -> String {
    let name = name.trim();
    let mut text: String = one_line(name).chars().take(MAX_NAME).collect();
    if name.chars().nth(MAX_NAME).is_some() {
        text.push('…');
    }
    text
}

/// The text with each control character replaced by U+FFFD, so that the text stays on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect()
}

/// The JSON text `text`, with escapes for those control characters that JSON allows unescaped in a string. Such a character can
/// only be in a string, where an escape has the same meaning.
pub(crate) fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character >= '\u{7f}' && is_control(character) {
            // Four hexadecimal digits are enough for each of these characters. Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether a character controls a terminal: it moves the cursor, ends a line, or changes the direction of the text around it.
pub(crate) fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A name that people choose, such as the name of a secret, in the form for messages: in quotes, so that a reader sees where the
/// name begins and ends.
pub(crate) fn named(name: &str) -> String {
    format!("{name:?}")
}

/// A path as a message shows it: see [`quoted`].
pub(crate) fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A text as a message shows it. If all characters are harmless, the text is not changed. Otherwise the text is quoted and its
/// control characters are escaped, so that a manifest cannot control the terminal.
pub(crate) fn quoted(text: &str) -> String {
    let is_harmless = |character: char| character.is_alphanumeric() || "/._-@:+".contains(character);
    if !text.is_empty() && text.chars().all(is_harmless) {
        text.to_owned()
    } else {
        named(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line end, DEL, a C1 control, the two line separators of Unicode, and marks for the direction of text.
    const CONTROLS: &str = "\n\u{7f}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{61c}\u{200f}";

    #[test]
    fn no_control_character_is_printed() {
        let count = CONTROLS.chars().count();
        assert_eq!(one_line(CONTROLS), "\u{fffd}".repeat(count));
        assert_eq!(shown(Path::new("a\u{202e}\u{1b}ä")), r#""a\u{202e}\u{1b}ä""#);
        assert!(named(CONTROLS).is_ascii());
    }

    #[test]
    fn json_keeps_its_meaning_without_control_characters() {
        let plain = serde_json::to_string(&format!("ä{CONTROLS}")).unwrap();
        let escaped = json(&plain);
        assert_eq!(escaped, one_line(&escaped));
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), format!("ä{CONTROLS}"));
    }
}
