//! Reads manifests: of installations, and those that somebody names.

use std::path::Path;

use crate::{
    command::input::Input,
    manifest::Manifest,
    program::manifest_file,
    system::read,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Reads the manifest of an installation. A user may have named it, so only a regular file is read.
pub(crate) fn installed_manifest(path: &Path, runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let contents = read::read(path, manifest_file::LARGEST).map_err(|error| {
        let cause = format!("cannot read {}: {error}", shown(path));
        Diagnosis::new(cause, "switch to the configuration again")
    })?;
    parse(path, contents.text.expose(), runtime_dir)
}

/// Reads a manifest that somebody names. `runtime_dir` replaces `%r` in user mode.
///
/// # Errors
///
/// With a message for people, if it cannot be used.
pub(crate) fn read_manifest(path: &Path, runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let input = Input::read(path, manifest_file::LARGEST, manifest_file::LARGEST)?;
    parse(path, input.text.expose(), runtime_dir)
}

fn parse(path: &Path, text: &[u8], runtime_dir: Option<&Path>) -> Result<Manifest, Diagnosis> {
    let parsed = Manifest::parse(path, text, runtime_dir);
    parsed.map(|(manifest, _)| manifest).map_err(|error| error.diagnosis)
}
