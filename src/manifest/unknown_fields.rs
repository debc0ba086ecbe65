//! Finds the fields of a manifest that this program does not know.

use serde::Serialize;

use super::{findings::Findings, key_services::RawKeyServices, raw};
use crate::text::{diagnosis::Diagnosis, printable::named};

/// Notes all unknown fields: each as an error in a strict manifest, otherwise all together as one warning.
pub(crate) fn unknown_fields(raw: &raw::RawManifest, findings: &mut Findings) {
    let mut unknown = describe_unknown::<raw::RawManifest>("the manifest", raw.unknown.keys());
    unknown.extend(describe_unknown::<raw::RawLogging>("logging", raw.logging.unknown.keys()));
    if let Some(services) = &raw.key_services {
        unknown.extend(describe_unknown::<RawKeyServices>("keyServices", services.unknown.keys()));
    }
    for secret in &raw.secrets {
        let place = format!("secret {}", named(&secret.name));
        unknown.extend(describe_unknown::<raw::RawSecret>(&place, secret.unknown.keys()));
    }
    for template in &raw.templates {
        let place = format!("template {}", named(&template.name));
        unknown.extend(describe_unknown::<raw::RawTemplate>(&place, template.unknown.keys()));
    }
    for (name, directory) in &raw.directories {
        let place = format!("directory {}", named(name));
        unknown.extend(describe_unknown::<raw::RawDirectory>(&place, directory.unknown.keys()));
    }
    if findings.strict {
        findings.errors.extend(unknown.into_iter().map(|(_, finding)| finding));
    } else if !unknown.is_empty() {
        let mut fields: Vec<_> = unknown.into_iter().map(|(field, _)| field).collect();
        fields.sort();
        fields.dedup();
        findings.warnings.push(Diagnosis::bare(format!(
            "the manifest has fields that this version of the program does not know and ignores: {}",
            fields.join(", ")
        )));
    }
}

/// Each unknown field of `place`, with the finding about that field.
fn describe_unknown<'a, T: Default + Serialize>(
    place: &str,
    fields: impl Iterator<Item = &'a String>,
) -> Vec<(String, Diagnosis)> {
    let describe = |field: &String| {
        let remedy =
            raw::nearest_field::<T>(field).map_or("remove it".to_owned(), |known| format!("did you mean {}?", named(&known)));
        let finding = format!("{place} has the unknown field {}", named(field));
        (named(field), Diagnosis::new(finding, remedy))
    };
    fields.map(describe).collect()
}
