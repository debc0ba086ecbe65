//! Decodes Base64.

use base64::{DecodeSliceError, Engine as _, prelude::BASE64_STANDARD};

use super::error::TransformError;
use crate::system::plaintext::Plaintext;

/// The bytes that `value` spells. White space does not count: what writes Base64 breaks it into lines. All else
/// has to be as RFC 4648 has it, so that most texts that are no Base64 are noticed.
///
/// # Errors
/// When the value is not Base64.
pub(crate) fn decoded(value: &Plaintext) -> Result<Plaintext, TransformError> {
    let mut digits = Plaintext::with_capacity(value.len());
    for word in value.expose().split(u8::is_ascii_whitespace) {
        digits.push(word);
    }
    // No content is longer than its Base64, so the buffer is never too small.
    let mut content = Plaintext::from(vec![0; digits.len()]);
    let length = BASE64_STANDARD
        .decode_slice(digits.expose(), content.expose_mut())
        .map_err(|_: DecodeSliceError| TransformError::NotBase64)?;
    content.truncate(length);
    Ok(content)
}
