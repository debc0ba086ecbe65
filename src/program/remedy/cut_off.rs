//! Decides whether the end of a sops file is missing, as after an interrupted copy.

use crate::sops::format::Format;

/// Limit: to explain an error, a text of at most 1 MiB is examined a second time. A usual sops file has some KiB.
pub(crate) const MOST_EXPLAINED: usize = 1 << 20;

/// Whether the text lacks the part that sops writes last. This part is:
///
/// - in JSON, and so in binary files, the closing brace;
/// - in dotenv and INI, the end of the last line;
/// - in YAML, the version in the metadata. If the file has no metadata section, the end of the last line counts instead.
///   Otherwise the line end does not count, because an editor may have removed it from a complete file.
pub(crate) fn lacks_end(text: &[u8], format: Format) -> bool {
    let lacks_line_end = text.last() != Some(&b'\n');
    match format {
        Format::Json | Format::Binary => text.trim_ascii_end().last() != Some(&b'}'),
        Format::Dotenv | Format::Ini => lacks_line_end,
        Format::Yaml => has_version(text).map_or(lacks_line_end, |has_version| !has_version),
    }
}

/// Whether the text ends in the line of the MAC, before the end of the MAC. The MAC is an encrypted value, and a complete value ends
/// with `]`.
pub(crate) fn ends_within_mac(text: &[u8]) -> bool {
    let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    find(line, b"mac").is_some() && line.last() != Some(&b']')
}

/// Whether the last metadata section of a YAML file has the key `version`; `None` if there is no such section. In the other formats,
/// the metadata have no fixed order, so a missing version proves nothing.
fn has_version(text: &[u8]) -> Option<bool> {
    let end = text.get(text.len().saturating_sub(MOST_EXPLAINED)..).unwrap_or_default();
    let mut section = find(end, b"\nsops:")?;
    while let Some(next) = section.get(1..).and_then(|rest| find(rest, b"\nsops:")) {
        section = next;
    }
    Some(find(section, b" version:").is_some())
}

/// The part of `text` from the first occurrence of `part` to the end; `None` if `part` does not occur.
pub(crate) fn find<'t>(text: &'t [u8], part: &[u8]) -> Option<&'t [u8]> {
    let start = text.windows(part.len()).position(|window| window == part)?;
    text.get(start..)
}
