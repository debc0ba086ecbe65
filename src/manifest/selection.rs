//! Reads the fields `key` and `as` of a secret: which part of a sops file it is.

use super::{declaration::Selection, findings::Findings, form, named_entry::NamedEntry, raw::RawSecret};
use crate::sops::{format::Format, key::KeyPath};

/// The part of a sops file of this format that the secret is.
pub(crate) fn selection(what: NamedEntry<'_>, format: Format, raw: &RawSecret, findings: &mut Findings) -> Selection {
    let key = key(raw, format);
    let form = form::of_part(what, &raw.form, format, findings);
    if let (Some(form), Some(text)) = (form, &raw.mock_value) {
        form::check_mock(what, form, text, findings);
    }
    if raw.form == form::VALUE && raw.key.is_empty() {
        findings.error(
            format!("{what} has the \"as\" \"value\", but no key"),
            "set the key of the value, or remove \"as\" for the whole file",
        );
    }
    match (key, form) {
        (key, Some(form)) => Selection::Part(key.unwrap_or_else(KeyPath::whole), form),
        (Some(key), None) => Selection::Key(key),
        (None, None) => Selection::Whole,
    }
}

/// Reads the key; `None` for the whole file. In a dotenv or INI file, a key counts only with `as`: manifests for the program of sops-nix
/// have keys for these files that mean nothing.
fn key(raw: &RawSecret, format: Format) -> Option<KeyPath> {
    let has_keys = match format {
        Format::Yaml | Format::Json => true,
        Format::Dotenv | Format::Ini => !raw.form.is_empty(),
        Format::Binary => false,
    };
    (has_keys && !raw.key.is_empty()).then(|| KeyPath::parse(&raw.key))
}
