//! The text form of OpenPGP messages (RFC 9580, 6.2).

use base64::{Engine, prelude::BASE64_STANDARD};

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";

/// The bytes within the first armor of `text`. Header lines say nothing that matters, and a checksum, which RFC 9580 says must not be
/// a reason to refuse, protects less than the message itself does. What stands around the armor is passed over, as by gpg.
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

/// A line such as `=twTO`: padding never begins a line that has more.
fn is_checksum(line: &str) -> bool {
    line.len() == 5 && line.starts_with('=')
}
