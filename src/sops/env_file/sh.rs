//! Assignments that a POSIX shell reads (`. FILE`). Source: POSIX, Shell Command Language, 2.2 Quoting.

use super::unwritable::{Unwritable, without_nul};
use crate::system::plaintext::Plaintext;

/// Between single quotes, each character stands for itself. A single quote itself stands outside of them, behind a backslash.
pub(crate) fn write(value: &[u8], out: &mut Plaintext) -> Result<(), Unwritable> {
    without_nul(value)?;
    out.push(b"'");
    let mut separator: &[u8] = b"";
    for part in value.split(|&byte| byte == b'\'') {
        out.push(separator);
        out.push(part);
        separator = b"'\\''";
    }
    out.push(b"'");
    Ok(())
}
