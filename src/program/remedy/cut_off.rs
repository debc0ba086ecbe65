//! Decides whether the end of a sops file is missing, as after an interrupted copy. In JSON the grammar shows it.

use crate::sops::format::Format;

/// The largest text, in bytes, that is examined again to explain an error: 1 MiB. A usual sops file has some KiB.
pub(crate) const MOST_EXPLAINED: usize = 1 << 20;

/// Whether the text lacks what sops writes last: in JSON the last bracket, in dotenv and INI the last line end, in YAML the version
/// in the metadata. In YAML, a missing line end counts only if there is no metadata section, because an editor may have removed the
/// line end of a file that is complete.
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

/// Whether the last metadata section of a YAML file has a version; `None` if there is no section. In other formats the metadata
/// have no order.
fn has_version(text: &[u8]) -> Option<bool> {
    let end = text.get(text.len().saturating_sub(MOST_EXPLAINED)..).unwrap_or_default();
    let mut section = find(end, b"\nsops:")?;
    while let Some(next) = section.get(1..).and_then(|rest| find(rest, b"\nsops:")) {
        section = next;
    }
    Some(find(section, b" version:").is_some())
}

/// The rest of `text`, from the first `part` on.
pub(crate) fn find<'t>(text: &'t [u8], part: &[u8]) -> Option<&'t [u8]> {
    let start = text.windows(part.len()).position(|window| window == part)?;
    text.get(start..)
}
