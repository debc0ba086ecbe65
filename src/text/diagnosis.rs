//! A diagnosis: what failed, why, and what to do about the failure.

use std::fmt;

/// What failed and why, and what to do about the failure. Cause and remedy stay apart until `Display` joins them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What failed, and why. The text is in lower case, without a full stop.
    pub cause: String,
    /// What to do about the failure, in lower case and without a full stop. `None` if nothing can be done, or if `cause` makes
    /// the remedy plain.
    pub remedy: Option<String>,
}

impl Diagnosis {
    /// A diagnosis with a cause and a remedy.
    pub(crate) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// A diagnosis with a cause alone.
    pub(crate) fn bare(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: None,
        }
    }

    /// The same diagnosis, with `object` before the cause. `object` says what was attempted, or what failed.
    pub(crate) fn of(self, object: impl fmt::Display) -> Self {
        Self {
            cause: format!("{object}: {}", self.cause),
            ..self
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}
