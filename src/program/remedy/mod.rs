//! Remedies for sops files: what to type next.
//!
//! [`sops`](crate::sops) says what is wrong; this module adds what to do about it. It gives the name under which the file can be
//! edited, and commands that are quoted for a shell. A command follows `run: ` or `run where it was built from: `, and ends its
//! line. The tests in `tests/remedies/` take it from there and run it.

mod conflict;
mod cut_off;
mod decrypt;
mod editable;
mod parse;
mod value;

pub(crate) use decrypt::undecryptable;
pub(crate) use editable::{Editable, RESTORE};
pub(crate) use parse::unusable;
pub(crate) use value::absent;
