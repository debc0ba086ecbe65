//! Why creation rules cannot be followed.

use thiserror::Error;

/// Why creation rules cannot be followed. sops then uses no rule of the file, or none behind the rule with a faulty `path_regex`.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct RulesError(String);

impl RulesError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}
