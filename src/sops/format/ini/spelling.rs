//! Rules that reading and writing of INI files have in common: quotes and white space.

/// The name of the section with the keys before the first header.
pub(crate) const DEFAULT: &[u8] = b"DEFAULT";

/// The offset of the quote that ends a value of several lines. `line` is not the first line of the value. The last quote on the
/// line ends the value, unless the line ends in a backslash. Returns `None` if the value does not end on this line.
pub(crate) fn closing_quote(line: &[u8], quote: &[u8]) -> Option<usize> {
    let end = rfind(line, quote)?;
    let behind = line.get(end.saturating_add(quote.len())..)?;
    (!trim(behind).ends_with(b"\\")).then_some(end)
}

/// The text between the quotes of a value. Returns the value itself if it is not in quotes, or if the same quote also occurs
/// inside.
pub(crate) fn without_quotes(value: &[u8]) -> &[u8] {
    match value {
        [quote @ (b'\'' | b'"'), inside @ .., last] if quote == last && !inside.contains(quote) => inside,
        _ => value,
    }
}

pub(crate) fn before(text: &[u8], end: usize) -> &[u8] {
    text.get(..end).unwrap_or(text)
}

pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

pub(crate) fn rfind(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).rposition(|window| window == needle)
}

pub(crate) fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// The text without white space at its beginning. Unicode defines what white space is, but the text need not be valid UTF-8.
pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    let shorter = |text: &[u8]| (1..=3).find(|&length| text.get(..length).is_some_and(is_space));
    while let Some(length) = shorter(text) {
        text = text.get(length..).unwrap_or_default();
    }
    text
}

/// The text without white space at its end. Unicode defines what white space is.
pub(crate) fn trim_end(mut text: &[u8]) -> &[u8] {
    let starts = |text: &[u8]| text.len().saturating_sub(3)..text.len();
    let cut = |text: &[u8]| starts(text).find(|&start| text.get(start..).is_some_and(is_space));
    while let Some(end) = cut(text) {
        text = before(text, end);
    }
    text
}

/// Whether the bytes are exactly one character, and the character is white space.
pub(crate) fn is_space(bytes: &[u8]) -> bool {
    let mut characters = str::from_utf8(bytes).unwrap_or_default().chars();
    characters.next().is_some_and(char::is_whitespace) && characters.next().is_none()
}
