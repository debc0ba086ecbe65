//! Access control lists of macOS, which this program does not look for: no system call gives them to a program without unsafe code.
//! A new file in a memory disk has none.

use std::os::fd::AsFd;

use rustix::io::Result;

/// Says that no list has to be looked for.
pub(crate) fn are_known(_dir: impl AsFd) -> bool {
    false
}

/// Does nothing.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn remove(_file: impl AsFd) -> Result<()> {
    Ok(())
}

/// Says that there is none.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn is_on_file(_file: impl AsFd) -> Result<bool> {
    Ok(false)
}

/// Says that there is none.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of Linux")]
pub(crate) fn is_on_directory(_dir: impl AsFd + Copy) -> Result<bool> {
    Ok(false)
}
