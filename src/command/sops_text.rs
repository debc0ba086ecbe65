//! Reads the text of a sops file in the format that somebody told, or in the one that fits.

use crate::{
    program::remedy::{self, Editable},
    sops::{SopsFile, format::Format},
    text::diagnosis::Diagnosis,
};

/// Limit: a sops file that a command reads has at most 1 GiB. The limit of the installer is 256 MiB by default, and can be raised.
pub(crate) const LARGEST: usize = 1 << 30;

/// Reads a sops file. If `is_told` is true, the user has named the format of `file`. Otherwise, if the text does not have this format,
/// the format that fits the text is taken.
///
/// # Errors
///
/// With a message for people, if the text is no sops file.
pub(crate) fn parse<'t>(text: &'t [u8], file: Editable<'_>, is_told: bool) -> Result<(Format, SopsFile<'t>), Diagnosis> {
    let format = file.format();
    let error = match SopsFile::parse(format, text) {
        Ok(parsed) if !is_told && format == Format::Binary && !parsed.is_binary() => return Ok((Format::Json, parsed)),
        Ok(parsed) => return Ok((format, parsed)),
        Err(error) => error,
    };
    match remedy::other_format(text, format) {
        Some(other) if is_told => Err(Diagnosis::new(
            format!("it is {other}, not {format}"),
            "leave out --input-type",
        )),
        Some(other) => SopsFile::parse(other, text)
            .map(|parsed| (other, parsed))
            .map_err(|error| Diagnosis::bare(error.to_string())),
        None => Err(remedy::unusable(&error, text, file)),
    }
}
