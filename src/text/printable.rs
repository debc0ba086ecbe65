//! Makes texts from outside safe to print, so that they cannot control a terminal.

/// The most characters that a message shows of a text from outside.
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
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A name as a message shows it. If all characters are harmless, the name is not changed. Otherwise the name is quoted and its
/// control characters are escaped, so that a manifest cannot control the terminal.
pub(crate) fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "/._-@:+".contains(character));
    if plain { text.to_owned() } else { format!("{text:?}") }
}
