//! Why a pattern is not followed.

use thiserror::Error;

/// Why a pattern is not followed, though sops would follow it.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// Matching the pattern against all texts of the file would take too long.
    #[error("is a pattern that takes too long to match")]
    TooSlow,
    /// It has more than 64 KiB, or more than 10 MiB when compiled.
    #[error("is a pattern that is too large")]
    TooLarge,
}
