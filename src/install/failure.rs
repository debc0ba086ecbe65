//! An error, together with the warnings of the steps before.

use super::error::InstallError;

/// An error, together with the warnings of earlier steps. The warnings are reported although the run failed.
#[derive(Debug)]
pub struct Failed {
    /// What failed: one error, or all errors that were found before anything was written.
    pub errors: Vec<InstallError>,
    /// Warnings about earlier changes, such as a file that was moved aside before the step failed.
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

/// Puts the warnings of an `earlier` step before the warnings of `step`. The earlier warnings are kept even if `step` failed.
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
