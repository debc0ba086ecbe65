//! Reads the manifest that the command line names.

use super::{
    cli::{Arguments, CheckMode},
    environment::Environment,
};
use crate::{
    manifest::{Manifest, ManifestError},
    system::{self, read::ReadError},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Limit: a manifest has at most 256 MiB, far more than any real manifest. Larger manifests are refused.
pub(crate) const LARGEST: usize = 1 << 28;

/// Reads the manifest of a run, and reports what is odd about it.
///
/// # Errors
///
/// With a message for people, if it cannot be used.
pub(crate) fn read(arguments: &Arguments, environment: &Environment) -> Result<Manifest, Diagnosis> {
    let path = &arguments.manifest;
    let json = system::read::read(path, LARGEST).map_err(|error| {
        let remedy = match error {
            ReadError::Denied | ReadError::Refused(_) => Some("correct the path, or the owner and mode of the file"),
            ReadError::Missing | ReadError::BadPath(_) | ReadError::NotRegular(_) | ReadError::TooLarge(_) => {
                Some("correct the path")
            }
            ReadError::Late | ReadError::Stopped => error.remedy(),
        };
        Diagnosis {
            cause: format!("cannot read the manifest {}: {error}", shown(path)),
            remedy: remedy.map(str::to_owned),
        }
    })?;
    let runtime_dir = match arguments.check_mode {
        CheckMode::Off => environment.runtime_dir.as_deref(),
        CheckMode::Manifest | CheckMode::SopsFile => Some(environment.runtime_dir_or_any()),
    };
    let parsed = Manifest::parse(path, json.text.expose(), runtime_dir);
    let (manifest, warnings) = match parsed {
        Ok((manifest, warnings)) => (Ok(manifest), warnings),
        Err(ManifestError { diagnosis, warnings }) => (Err(diagnosis), warnings),
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    manifest
}
