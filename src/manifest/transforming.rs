//! Reads the field `transform` of a secret: what becomes of its value.

use super::{declaration::Selection, findings::Findings, named_entry::NamedEntry, raw::RawSecret};
use crate::{
    sops::format::Format,
    system::plaintext::Plaintext,
    text::printable::named,
    transform::{NameError, Transform},
};

/// What becomes of this selection of a sops file; `None` if it is published as it is.
pub(crate) fn transform(
    what: NamedEntry<'_>,
    selection: &Selection,
    format: Format,
    raw: &RawSecret,
    findings: &mut Findings,
) -> Option<Transform> {
    if raw.transform.is_empty() {
        return None;
    }
    single_value(what, selection, format, findings);
    let transform = known(what, &raw.transform, findings)?;
    if let Some(text) = &raw.mock_value
        && let Err(error) = transform.check(&Plaintext::from(text.clone()))
    {
        findings.error(format!("the mockValue of {what}: {error}"), "correct mockValue");
    }
    Some(transform)
}

/// Finds a selection that is more than a single value.
fn single_value(what: NamedEntry<'_>, selection: &Selection, format: Format, findings: &mut Findings) {
    let (found, remedy) = match (selection, format) {
        (Selection::Key(_) | Selection::Text(_), _) | (Selection::Whole, Format::Binary) => return,
        (Selection::Part(..), _) => ("its \"as\" writes more than that", "set \"as\" to \"value\""),
        (Selection::Whole, Format::Yaml | Format::Json) => ("it is a whole file", "set key to that of a single value"),
        (Selection::Whole, Format::Dotenv | Format::Ini) => (
            "it is a whole file",
            "set key to that of a single value, and \"as\" to \"value\"",
        ),
    };
    findings.error(
        format!("{what} has a transform, which takes a single value, but {found}"),
        remedy,
    );
}

/// The transform with this name, if there is one.
fn known(what: NamedEntry<'_>, name: &str, findings: &mut Findings) -> Option<Transform> {
    let (finding, remedy) = match Transform::of_name(name) {
        Ok(transform) => return Some(transform),
        Err(NameError::Unknown) => (
            format!("{what} has the unknown transform {}", named(name)),
            "set \"base64-decode\", \"sha512-crypt\", \"yescrypt\" or \"htpasswd:USER\"",
        ),
        Err(NameError::User) => (
            format!(
                "{what} has the transform {}, whose user no htpasswd file can have",
                named(name)
            ),
            "write a name of 1 to 255 bytes without a colon, that does not begin with #",
        ),
    };
    findings.error(finding, remedy);
    None
}
