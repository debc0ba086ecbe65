//! A failure with what somebody should know beside it.

use super::error::InstallError;

/// What failed, and what somebody should know beside it.
#[derive(Debug)]
pub struct Failed {
    /// What failed; several things if they were found before anything was written.
    pub errors: Vec<InstallError>,
    /// What was done before that they should know, such as what was moved aside.
    pub warnings: Vec<String>,
}

impl From<InstallError> for Failed {
    fn from(error: InstallError) -> Self {
        Self {
            errors: vec![error],
            warnings: Vec::new(),
        }
    }
}

impl Failed {
    /// Fails with these errors, if there are any.
    pub(crate) fn if_any(errors: Vec<InstallError>) -> Result<(), Self> {
        let warnings = Vec::new();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self { errors, warnings })
        }
    }
}

/// The warnings of a step with those of the `earlier` one before them, also if the step failed.
pub(crate) fn behind(earlier: Vec<String>, step: Result<Vec<String>, Failed>) -> Result<Vec<String>, Failed> {
    let all = |warnings| [earlier, warnings].concat();
    match step {
        Ok(warnings) => Ok(all(warnings)),
        Err(Failed { errors, warnings }) => Err(Failed {
            errors,
            warnings: all(warnings),
        }),
    }
}
