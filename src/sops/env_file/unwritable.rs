//! What a reader has no spelling for.

/// Takes the parts of what is written, one after the other.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&[u8]);

/// What it is in a value that a reader cannot give back, in the words of a message.
pub(crate) type Unwritable = &'static str;

pub(crate) const NUL: Unwritable = "a NUL character";
pub(crate) const NOT_UTF8: Unwritable = "bytes that are not UTF-8";

/// The value as text without a NUL character, which no environment variable can have.
pub(crate) fn text(value: &[u8]) -> Result<&str, Unwritable> {
    without_nul(value)?;
    str::from_utf8(value).map_err(|_| NOT_UTF8)
}

/// Fails if the value has a NUL character.
pub(crate) fn without_nul(value: &[u8]) -> Result<(), Unwritable> {
    if value.contains(&0) { Err(NUL) } else { Ok(()) }
}
