//! The text form of OpenPGP messages (RFC 9580, 6.2).

use base64::{Engine, prelude::BASE64_STANDARD};

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";

/// The bytes within the first armor of `text`. Header lines have no meaning here, and are skipped. So is a checksum: RFC 9580 forbids to
/// refuse a message because of it, and the message itself is better protected. Text around the armor is ignored, as by gpg.
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

/// A line such as `Version: GnuPG v2`. Base64 has no colon.
fn is_header(line: &str) -> bool {
    line.contains(':')
}

/// Whether a line is a checksum, such as `=twTO`. Base64 data never look like that: a line that begins with padding holds only padding.
fn is_checksum(line: &str) -> bool {
    line.len() == 5 && line.starts_with('=')
}
