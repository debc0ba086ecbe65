//! Whether the end of a sops file is missing, as after a copy that was interrupted. The grammar of JSON tells that by itself.

use super::MOST_EXPLAINED;
use crate::sops::format::Format;

/// Whether what sops writes last is missing: the end of a line, in YAML also its version.
pub(super) fn lacks_end(text: &[u8], format: Format) -> bool {
    match format {
        Format::Json | Format::Binary => text.trim_ascii_end().last() != Some(&b'}'),
        Format::Dotenv | Format::Ini => text.last() != Some(&b'\n'),
        Format::Yaml => text.last() != Some(&b'\n') || lacks_version(text),
    }
}

/// Whether the text ends within the line of the MAC, which is an encrypted value and ends with a bracket.
pub(super) fn ends_within_mac(text: &[u8]) -> bool {
    let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    find(line, b"mac").is_some() && line.last() != Some(&b']')
}

/// Whether the last metadata section has no version. Of other formats the metadata have no order.
fn lacks_version(text: &[u8]) -> bool {
    let end = text.get(text.len().saturating_sub(MOST_EXPLAINED)..).unwrap_or_default();
    let mut section = find(end, b"\nsops:");
    while let Some(next) = section.and_then(|section| find(section.get(1..)?, b"\nsops:")) {
        section = Some(next);
    }
    section.is_some_and(|section| find(section, b" version:").is_none())
}

/// What begins with `part`.
fn find<'t>(text: &'t [u8], part: &[u8]) -> Option<&'t [u8]> {
    let start = text.windows(part.len()).position(|window| window == part)?;
    text.get(start..)
}
