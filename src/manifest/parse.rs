//! Reads a manifest: from JSON text to a valid [`Manifest`].

use std::path::Path;

use super::{
    check, convert,
    convert::Entries,
    declaration::{Manifest, Secret, Template},
    error::ManifestError,
    findings::Findings,
    raw,
};
use crate::text::{diagnosis::Diagnosis, encoding::Encoding, printable::named};

impl Manifest {
    /// Reads and validates the text of a manifest. Returns the manifest and its warnings. `path` is the path of the manifest, for
    /// messages. `runtime_dir` is the directory that replaces `%r` in user mode.
    ///
    /// # Errors
    ///
    /// If the text is no JSON, or if a value has the wrong type. Also if at least one finding is an error: then the returned error
    /// contains all findings.
    pub fn parse(path: &Path, json: &[u8], runtime_dir: Option<&Path>) -> Result<(Self, Vec<Diagnosis>), ManifestError> {
        let raw = raw::parse(json).map_err(|error| match Encoding::of(json) {
            Some(encoding @ (Encoding::Utf16(_) | Encoding::Mark)) => ManifestError::encoded(path, encoding),
            _ => ManifestError::json(path, &shown(json, &error.path().to_string()), error.inner()),
        })?;
        let mut findings = Findings::new(raw.version);
        let (settings, entries) = convert::manifest(raw, runtime_dir, &mut findings);
        let entries = check::collisions(&settings, entries, &mut findings);
        if findings.errors.is_empty()
            && let Some(manifest) = settings.with(entries)
        {
            return Ok((manifest, findings.warnings));
        }
        Err(ManifestError::invalid(path, &findings.errors, findings.warnings))
    }

    /// Puts `entries` into the manifest. Returns `None` if the name of an entry cannot be used.
    fn with(self, entries: Entries) -> Option<Self> {
        Some(Self {
            secrets: entries.secrets.into_iter().map(Secret::named).collect::<Option<_>>()?,
            templates: entries.templates.into_iter().map(Template::named).collect::<Option<_>>()?,
            ..self
        })
    }
}

/// The words with which a message names a field.
fn shown(json: &[u8], field: &str) -> String {
    of_entry(json, field).unwrap_or_else(|| match field {
        "." => field.to_owned(),
        field => format!("the field {}", named(field)),
    })
}

/// The words for a field such as `secrets[0].mode`. They have the name of the secret or template instead of its position.
fn of_entry(json: &[u8], field: &str) -> Option<String> {
    let (list, rest) = field.split_once('[')?;
    let (position, rest) = rest.split_once("].")?;
    let noun = match list {
        "secrets" => "secret",
        "templates" => "template",
        _ => return None,
    };
    let manifest: serde_json::Value = serde_json::from_slice(json).ok()?;
    let entry = manifest.get(list)?.get(position.parse::<usize>().ok()?)?;
    let name = entry.get("name")?.as_str()?;
    Some(format!("the field {} of {noun} {}", named(rest), named(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_can_write_to_the_terminal() {
        let bad = r"\u001b[2J\n";
        for (json, expected) in [
            (
                format!(r#"{{"placeholderBySecretName": {{"{bad}": 5}}}}"#),
                r#"the field "placeholderBySecretName.\u{1b}[2J\n" must be a string, at line 1 column 45"#,
            ),
            (
                format!(r#"{{"secretsMountPoint": "/{bad}", "symlinkPath": "/{bad}/x"}}"#),
                r#"symlinkPath "/\u{1b}[2J\n/x" is inside secretsMountPoint "/\u{1b}[2J\n""#,
            ),
        ] {
            let error = Manifest::parse(Path::new("m"), json.as_bytes(), None)
                .unwrap_err()
                .diagnosis
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
