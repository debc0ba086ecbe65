//! What people are told about keys: why none opens a file, and what is wrong with their sources.

pub(crate) mod no_key;
pub(crate) mod recipient;
