//! Texts as people, editors and shells write them.

pub mod encoding;
pub(crate) mod printable;
pub(crate) mod shell;
pub(crate) mod spelling;
