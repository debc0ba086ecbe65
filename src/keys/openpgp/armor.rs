//! Decodes the text form (armor) of OpenPGP messages (RFC 9580, 6.2).

use base64::{Engine, prelude::BASE64_STANDARD};

/// The first line of an armored message.
const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
/// The last line of an armored message.
const END: &str = "-----END PGP MESSAGE-----";

/// Decodes the first armored message in `text`. Returns `None` if there is no such message, or if its base64 is invalid.
///
/// Header lines have no meaning here and are skipped. The checksum is skipped too: RFC 9580 forbids to refuse a message because
/// of its checksum, and the message itself has a stronger protection. Text around the armor is ignored, as by gpg.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut lines = text.lines().map(str::trim_ascii).skip_while(|line| *line != BEGIN).skip(1);
    let mut base64 = String::with_capacity(text.len());
    lines.by_ref().find_map(|line| {
        let ends = line == END;
        if !ends && !is_header(line) && !is_checksum(line) {
            base64.push_str(line);
        }
        ends.then_some(())
    })?;
    BASE64_STANDARD.decode(base64).ok()
}

/// Whether the line is a header line, such as `Version: GnuPG v2`. A line of base64 has no colon.
fn is_header(line: &str) -> bool {
    line.contains(':')
}

/// Whether the line is a checksum, such as `=twTO`. No line of base64 data looks like a checksum: if such a line begins with
/// `=`, it holds nothing but `=`.
fn is_checksum(line: &str) -> bool {
    line.len() == 5 && line.starts_with('=')
}
