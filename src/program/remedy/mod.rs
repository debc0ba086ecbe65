//! What to type next about a sops file.
//!
//! [`sops`](crate::sops) says what is wrong; this adds what is to be done about it, with the file by the name under which somebody
//! can edit it, and commands as a shell takes them. A command stands behind `run: ` or `run where it was built from: ` and is the
//! end of its line; the tests in `tests/remedies/` take it from there and run it.

mod conflict;
mod cut_off;
mod decrypt;
mod editable;
mod parse;
mod value;

pub(crate) use decrypt::undecryptable;
pub(crate) use editable::Editable;
pub(crate) use parse::unusable;
pub(crate) use value::absent;
