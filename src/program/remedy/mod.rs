//! Remedies for sops files: the commands that repair a file.
//!
//! The module [`sops`](crate::sops) says what is wrong with a file, and this module adds the remedy. A remedy names the file by
//! the path under which somebody can edit it, quoted for a shell. A command follows `run: ` or `run where it was built from: `,
//! and is the end of its line. The tests in `tests/remedies/` take the commands from the messages and run them.

mod conflict;
mod cut_off;
mod decrypt;
mod editable;
mod parse;
mod value;

pub(crate) use decrypt::{plain_value, undecryptable, without_key};
pub(crate) use editable::{Editable, RESTORE, of_ending};
pub(crate) use parse::{merge_conflict, other_format, unusable, was_encrypted};
pub(crate) use value::{absent, untransformed};
