//! Whether the end of a sops file is missing, as after a copy that was interrupted. The grammar of JSON tells that by itself.

use crate::sops::format::Format;

/// Larger texts, in bytes, are not looked at once more for what could be the matter: 1 MiB. A sops file has some KiB.
pub(crate) const MOST_EXPLAINED: usize = 1 << 20;

/// Whether what sops writes last is missing: in YAML the version of the metadata, elsewhere the end of a line. An editor may have taken
/// away the last line end of a file that is whole otherwise, so where the version tells, that does not count.
pub(crate) fn lacks_end(text: &[u8], format: Format) -> bool {
    let lacks_line_end = text.last() != Some(&b'\n');
    match format {
        Format::Json | Format::Binary => text.trim_ascii_end().last() != Some(&b'}'),
        Format::Dotenv | Format::Ini => lacks_line_end,
        Format::Yaml => has_version(text).map_or(lacks_line_end, |has_version| !has_version),
    }
}

/// Whether the text ends within the line of the MAC, which is an encrypted value and ends with a bracket.
pub(crate) fn ends_within_mac(text: &[u8]) -> bool {
    let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    find(line, b"mac").is_some() && line.last() != Some(&b']')
}

/// Whether the last metadata section has a version; nothing without a section. Of other formats the metadata have no order.
fn has_version(text: &[u8]) -> Option<bool> {
    let end = text.get(text.len().saturating_sub(MOST_EXPLAINED)..).unwrap_or_default();
    let mut section = find(end, b"\nsops:")?;
    while let Some(next) = section.get(1..).and_then(|rest| find(rest, b"\nsops:")) {
        section = next;
    }
    Some(find(section, b" version:").is_some())
}

/// What begins with `part`.
pub(crate) fn find<'t>(text: &'t [u8], part: &[u8]) -> Option<&'t [u8]> {
    let start = text.windows(part.len()).position(|window| window == part)?;
    text.get(start..)
}
