//! Reads the fields `key` and `as` of a secret: which part of a sops file it is.

use super::{declaration::Selection, findings::Findings, form, named_entry::NamedEntry, raw::RawSecret};
use crate::sops::{format::Format, key::KeyPath};

/// The part of a sops file of this format that the secret is.
pub(crate) fn selection(what: NamedEntry<'_>, format: Format, raw: &RawSecret, findings: &mut Findings) -> Selection {
    let key = key(&raw.key, format, findings);
    let form = form::of_part(what, &raw.form, format, findings);
    if let (Some(form), Some(text)) = (form, &raw.mock_value) {
        form::check_mock(what, form, text, findings);
    }
    match (key, form) {
        (key, Some(form)) => Selection::Part(key.unwrap_or_else(KeyPath::whole), form),
        (Some(key), None) => Selection::Key(key),
        (None, None) => Selection::Whole,
    }
}

/// Reads a key; `None` for the whole file. The modules of sops-nix write the name of the secret as the key of each dotenv and INI file,
/// and their program does not read it.
fn key(key: &str, format: Format, findings: &Findings) -> Option<KeyPath> {
    let has_keys = match format {
        Format::Yaml | Format::Json => true,
        Format::Dotenv | Format::Ini => findings.strict,
        Format::Binary => false,
    };
    (has_keys && !key.is_empty()).then(|| KeyPath::parse(key))
}
