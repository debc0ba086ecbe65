//! The shares of a data key, where a file has several groups of keys.

pub(crate) mod choices;
pub(crate) mod shamir;
