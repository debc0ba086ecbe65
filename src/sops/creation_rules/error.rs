//! Why creation rules cannot be followed.

use thiserror::Error;

/// Why creation rules cannot be followed. sops does not follow them either.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct RulesError(String);

impl RulesError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}
