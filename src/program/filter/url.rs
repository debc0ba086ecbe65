//! Parts of a URL. Source: RFC 3986, 2.1 and 2.3.

use super::escape::hex;
use crate::sops::env_file::Take;

/// Takes the value, with percent signs and numbers for all bytes but letters, digits and `-._~`. So it may stand in each part of a URL.
pub(crate) fn write(value: &[u8], take: Take<'_>) {
    for part in value.split_inclusive(|byte| !is_unreserved(*byte)) {
        match part.split_last() {
            Some((last, plain)) if !is_unreserved(*last) => {
                take(plain);
                take(b"%");
                hex(u32::from(*last), 2, take);
            }
            _ => take(part),
        }
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
