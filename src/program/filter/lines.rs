//! Filters that look at the lines of a value.

use crate::sops::env_file::Take;

/// The most columns of an indentation.
pub(crate) const MOST: u8 = 99;

/// Takes the value with `columns` spaces before each line but the first, whose spaces are in the template, and but for lines without text.
pub(crate) fn indent(value: &[u8], columns: u8, take: Take<'_>) {
    let spaces = [b' '; MOST as usize];
    let spaces = spaces.get(..usize::from(columns)).unwrap_or_default();
    let mut indentation: &[u8] = b"";
    for line in value.split_inclusive(|&byte| byte == b'\n') {
        if line != b"\n" && line != b"\r\n" {
            take(indentation);
        }
        take(line);
        indentation = spaces;
    }
}

/// The first line of the value, without its end.
pub(crate) fn first(value: &[u8]) -> &[u8] {
    let line = value.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_whole = line.len() == value.len();
    if is_whole {
        line
    } else {
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}
