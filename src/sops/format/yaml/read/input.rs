//! Decodes the bytes of a YAML file to text.

use crate::sops::format::{
    problem::{Flaw, ParseError},
    yaml::character::find_forbidden,
};

/// The file as text, without a byte order mark.
///
/// # Errors
/// When the file is not UTF-8, or contains a character that YAML forbids. YAML forbids U+FFFE, U+FFFF, and control characters
/// other than tab and line breaks.
pub(crate) fn decode(source: &[u8]) -> Result<&str, ParseError> {
    if source.starts_with(&[0xFF, 0xFE]) || source.starts_with(&[0xFE, 0xFF]) {
        return Err(ParseError {
            line: None,
            problem: "the file is UTF-16".to_owned(),
            flaw: Flaw::Grammar,
        });
    }
    let text = str::from_utf8(source).map_err(|error| problem(source, error.valid_up_to(), "the text is not UTF-8"))?;
    match find_forbidden(text) {
        Some(offset) => Err(problem(source, offset, "control characters are not allowed")),
        None => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
    }
}

/// An error that names the line of the byte at `offset`.
fn problem(source: &[u8], offset: usize, text: &str) -> ParseError {
    let above = source.iter().take(offset).filter(|byte| **byte == b'\n');
    ParseError {
        line: Some(above.count() + 1),
        problem: text.to_owned(),
        flaw: Flaw::Grammar,
    }
}
