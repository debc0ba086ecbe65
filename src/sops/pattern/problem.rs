//! The errors of patterns: why a pattern of a selection rule is refused.

use thiserror::Error;

/// Why a pattern of a selection rule is refused, although sops would follow the pattern.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// Matching the pattern against all texts of the file would take too long.
    #[error("is a pattern that takes too long to match")]
    TooSlow,
    /// The pattern has more than 64 KiB, or more than 10 MiB after compilation.
    #[error("is a pattern that is too large")]
    TooLarge,
}
