//! What reading and writing have in common: quotes and white space.

/// The section of the keys that stand before the first header.
pub(crate) const DEFAULT: &[u8] = b"DEFAULT";

/// The offset at which a quoted value ends in a line that is not its first: at the last quote of the line. `None` if the line has
/// no quote, or if a backslash ends the line.
pub(crate) fn closing_quote(line: &[u8], quote: &[u8]) -> Option<usize> {
    let end = rfind(line, quote)?;
    let behind = line.get(end.saturating_add(quote.len())..)?;
    (!trim(behind).ends_with(b"\\")).then_some(end)
}

/// The text between a pair of quotes. The value itself if it is not in quotes, or if the same quote is also inside.
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

/// The text without the Unicode white space that it begins with. It need not be UTF-8.
pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    let shorter = |text: &[u8]| (1..=3).find(|&length| text.get(..length).is_some_and(is_space));
    while let Some(length) = shorter(text) {
        text = text.get(length..).unwrap_or_default();
    }
    text
}

/// The text without the Unicode white space that it ends in.
pub(crate) fn trim_end(mut text: &[u8]) -> &[u8] {
    let starts = |text: &[u8]| text.len().saturating_sub(3)..text.len();
    let cut = |text: &[u8]| starts(text).find(|&start| text.get(start..).is_some_and(is_space));
    while let Some(end) = cut(text) {
        text = before(text, end);
    }
    text
}

/// Whether the bytes are one character of white space.
pub(crate) fn is_space(bytes: &[u8]) -> bool {
    let mut characters = str::from_utf8(bytes).unwrap_or_default().chars();
    characters.next().is_some_and(char::is_whitespace) && characters.next().is_none()
}
