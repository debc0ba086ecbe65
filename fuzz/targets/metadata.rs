//! Reads metadata. They are either read or refused with an error, and the result is the same for the nested and for the flat form.
//!
//! The input is the section `sops` as JSON.
#![no_main]

use serde_json::Value;
use sops_install_secrets::sops::{SopsFile, SopsFileError, format::Format, metadata::Metadata};
use sops_install_secrets_fuzz::{messages::assert_presentable, sealing, timed_fuzz_target, trees::repeats_a_name};

timed_fuzz_target!(|section: &[u8]| {
    let nested = [br#"{"k": "", "sops": "#, section, b"}"].concat();
    let Ok(file) = read(Format::Json, &nested) else { return };
    let metadata = file.metadata();
    assert!(!metadata.key_groups.groups.is_empty());
    assert!(metadata.last_modified.len() >= "2006-01-02T15:04:05Z".len());
    if let Some(flat) = flattened(section) {
        let flat = read(Format::Dotenv, flat.as_bytes()).unwrap_or_else(|error| panic!("{error} in {flat}"));
        assert_eq!(told(flat.metadata()), told(metadata), "{}", section.escape_ascii());
    }
    if let Err(error) = file.decrypt(&sealing::data_key()) {
        assert_presentable(&error);
    }
});

fn read(format: Format, text: &[u8]) -> Result<SopsFile<'_>, SopsFileError> {
    SopsFile::parse(format, text).inspect_err(|error| assert_presentable(error))
}

/// A text of all metadata that decryption needs.
fn told(metadata: &Metadata) -> String {
    let Metadata {
        key_groups,
        last_modified,
        mac,
        mac_only_encrypted,
        ..
    } = metadata;
    format!("{key_groups:?} {last_modified} {} {mac_only_encrypted}", mac.escape_ascii())
}

/// The section in the flat form that dotenv has. `None` if the flat form cannot express the section, or could be read in two ways.
fn flattened(section: &[u8]) -> Option<String> {
    // If two fields have the same name, one of them would be lost below.
    let documents = Format::Json.parse(section).ok()?;
    if repeats_a_name(&documents) {
        return None;
    }
    let section: Value = serde_json::from_slice(section).ok()?;
    let mut lines = String::new();
    section.as_object()?;
    flatten("sops_", &section, 0, &mut lines)?;
    Some(lines)
}

fn flatten(prefix: &str, value: &Value, depth: usize, lines: &mut String) -> Option<()> {
    if depth > 20 {
        return None;
    }
    match value {
        Value::Object(map) => {
            let is_plain = |key: &String| {
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !key.contains("__")
            };
            if map.is_empty() || !map.keys().all(is_plain) {
                return None;
            }
            let joint = if depth == 0 { "" } else { "__map_" };
            map.iter()
                .try_for_each(|(key, value)| flatten(&format!("{prefix}{joint}{key}"), value, depth + 1, lines))
        }
        Value::Array(values) if !values.is_empty() => (0..)
            .zip(values)
            .try_for_each(|(index, value): (usize, _)| flatten(&format!("{prefix}__list_{index}"), value, depth + 1, lines)),
        // All values of a flat file are texts, in which `
        // ` stands for a line feed.
        Value::String(text) if !text.contains(['\\', '\r', '\0']) => {
            *lines += &format!("{prefix}={}\n", text.replace('\n', "\\n"));
            Some(())
        }
        _ => None,
    }
}
