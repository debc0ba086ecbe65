//! Explains to people why no key of this host opens a file.

pub(crate) mod no_key;
pub(crate) mod recipient;
