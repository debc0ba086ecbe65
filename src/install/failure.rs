//! A failure with what somebody should know beside it.

use super::error::InstallError;

/// What failed, and what somebody should know beside it.
#[derive(Debug)]
pub struct Failed {
    /// What failed.
    pub error: InstallError,
    /// What was done before that they should know, such as what was moved aside.
    pub warnings: Vec<String>,
}

impl From<InstallError> for Failed {
    fn from(error: InstallError) -> Self {
        let warnings = Vec::new();
        Self { error, warnings }
    }
}

/// The warnings of a step with those of the `earlier` one before them, also if the step failed.
pub(crate) fn behind(earlier: Vec<String>, step: Result<Vec<String>, Failed>) -> Result<Vec<String>, Failed> {
    let all = |warnings| [earlier, warnings].concat();
    match step {
        Ok(warnings) => Ok(all(warnings)),
        Err(Failed { error, warnings }) => Err(Failed {
            error,
            warnings: all(warnings),
        }),
    }
}
