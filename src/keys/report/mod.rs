//! Explains to people why no key of this host opens a file.

mod closed_group;
mod host_key;
pub(crate) mod no_key;
pub(crate) mod recipient;
