//! What failed, why, and what to do about it.

use std::fmt;

/// What failed and why, and what to do about it. These are two things until they are printed: `Display` joins them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What failed, and why: in lower case, without a full stop.
    pub cause: String,
    /// What to do about it, in the same form; `None` if nothing can be done, or if `cause` makes it plain.
    pub remedy: Option<String>,
}

impl Diagnosis {
    /// A cause with its remedy.
    pub(crate) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// A cause alone.
    pub(crate) fn bare(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: None,
        }
    }

    /// The same, said of `object`: what was attempted or what failed, which goes before the cause.
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
