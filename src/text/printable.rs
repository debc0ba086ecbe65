//! Texts that somebody else chose, made safe to print: nothing in them can write to a terminal.

/// The most characters shown of a name that a file chose.
const MAX_NAME: usize = 200;

/// A text that somebody else chose, safe to print: one line, no control characters, not endless.
pub(crate) fn printable(name: &str) -> String {
    let name = name.trim();
    let mut text: String = one_line(name).chars().take(MAX_NAME).collect();
    if name.chars().nth(MAX_NAME).is_some() {
        text.push('…');
    }
    text
}

/// A text without control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A name for a message; control characters are escaped, so that a manifest cannot write to the terminal.
pub(crate) fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "/._-@:+".contains(character));
    if plain { text.to_owned() } else { format!("{text:?}") }
}
