//! Texts as people, editors and shells write them: encodings, spelling, quoting.

pub(crate) mod blocks;
pub mod diagnosis;
pub mod encoding;
pub(crate) mod identity;
pub(crate) mod line_ends;
pub(crate) mod printable;
pub(crate) mod shell;
pub(crate) mod spelling;
