//! Renders a template whose lines are environment variables, for the reader that it names. For one that names none, tells what systemd
//! would change.
//!
//! The lines are those of the template, and not those of its values. So a secret with a line feed stays the value of one variable.

use super::{
    template::{Measured, Slot},
    tokens::Tokens,
};
use crate::{
    sops::env_file::{EnvFile, EnvFileError, Form, SystemdReader, Take, is_name, misread},
    system::plaintext::Plaintext,
    text::{diagnosis::Diagnosis, line_ends::without_line_ends},
};

/// Renders `text`, in whose places `write` takes the values, as a file for the reader of `form`. `length` is the length
/// of the rendered text in its plain form.
///
/// # Errors
///
/// When a line is no variable, when a value is missing, and when the reader would not give back a value.
pub(crate) fn render<'t>(
    tokens: &Tokens<'t>,
    text: &[u8],
    form: Form,
    length: usize,
    write: impl Fn(Slot<'t, '_>, Take<'_>) -> Result<(), Diagnosis> + Copy,
) -> Result<Plaintext, Diagnosis> {
    let refuse = |refusal: EnvFileError| Diagnosis::new(refusal.to_string(), refusal.remedy());
    let mut file = EnvFile::new(form, length);
    for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let text = text.strip_suffix(b"\r").unwrap_or(text).trim_ascii_start();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let (name, text) = split(text).ok_or_else(|| refuse(EnvFileError::Line { line }))?;
        if is_quoted(text) {
            let variable = String::from_utf8_lossy(name).into_owned();
            return Err(refuse(EnvFileError::Quoted { variable }));
        }
        let measured = tokens.measure(text, write)?;
        let content = tokens.render(text, &measured, write)?;
        file.push(name, content.expose()).map_err(refuse)?;
    }
    Ok(file.finish())
}

/// The names of those variables of a template with this `text` that systemd does not read from the `rendered` one as they stand in the
/// text, with values for placeholders. The quotes of the text are for systemd, and whoever uses a filter knows the reader. Line ends at
/// the end of a value do not count.
///
/// # Errors
///
/// When a value is missing.
pub(crate) fn misread_template<'t>(
    tokens: &Tokens<'t>,
    text: &[u8],
    rendered: &[u8],
    write: impl Fn(Slot<'t, '_>, Take<'_>) -> Result<(), Diagnosis> + Copy,
) -> Result<Vec<String>, Diagnosis> {
    let mut variables = Vec::new();
    // A placeholder in a name stands for something that is no name of the template.
    for (name, text) in SystemdReader::new(text).filter(|(name, _)| is_name(name.expose())) {
        let mut is_filtered = false;
        let value = tokens.render(text.expose(), &Measured::about(text.len()), |slot, take| {
            if slot.reference.filter.is_some() {
                is_filtered = true;
                return Ok(());
            }
            write(slot, take)
        })?;
        if !is_filtered {
            variables.push((name, value));
        }
    }
    let variables = variables.iter().map(|(name, value)| (name.expose(), value.expose()));
    let is_same = |value: &[u8], read: &[u8]| without_line_ends(value) == without_line_ends(read);
    Ok(misread(variables, rendered, is_same))
}

/// Whether the text of a value, before placeholders are replaced, begins and ends with the same kind of quotes.
fn is_quoted(text: &[u8]) -> bool {
    match text.trim_ascii_end() {
        [first @ (b'"' | b'\''), .., last] => first == last,
        _ => false,
    }
}

/// The name before the first `=`, and what is behind it.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = line.split_at_checked(line.iter().position(|&byte| byte == b'=')?)?;
    Some((name, rest.get(1..)?))
}
