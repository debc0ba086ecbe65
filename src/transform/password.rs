//! A value that is hashed as a password.

use super::error::TransformError;
use crate::{system::plaintext::Plaintext, text::line_ends::without_line_ends};

/// A password that somebody can type: one line, not empty, without NUL.
pub(crate) struct Password<'v>(&'v [u8]);

impl<'v> Password<'v> {
    /// The password that `value` is, without line ends at its end: editors write one, and nobody types it. A hash with the name
    /// `hash` counts at most `most` bytes of it.
    ///
    /// # Errors
    /// When the value is no such password, or is longer.
    pub(crate) fn of(value: &'v Plaintext, most: usize, hash: &'static str) -> Result<Self, TransformError> {
        let password = without_line_ends(value.expose());
        if password.is_empty() {
            Err(TransformError::Empty)
        } else if password.contains(&0) {
            Err(TransformError::Nul)
        } else if password.iter().any(|byte| b"\r\n".contains(byte)) {
            Err(TransformError::Lines)
        } else if password.len() > most {
            Err(TransformError::Long { most, hash })
        } else {
            Ok(Self(password))
        }
    }

    /// The secret bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0
    }
}
