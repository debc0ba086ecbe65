//! The files of `docker run --env-file`. Source: `pkg/kvfile` of docker/cli.

use super::unwritable::{Take, Unwritable, text};

/// The most bytes of a name and its value together: a line has at most 65,535, with the `=` between the two.
pub(crate) const MOST: usize = 65_534;

/// A value stands for itself to the end of its line, and nothing can be quoted. A carriage return before the line feed belongs to the
/// line feed.
pub(crate) fn write(value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
    let text = text(value)?;
    if text.contains('\n') {
        return Err("a line feed");
    }
    if text.ends_with('\r') {
        return Err("a carriage return at its end");
    }
    take(value);
    Ok(())
}
