//! Turns SSH keys into the recipients that a `.sops.yaml` can name.

mod converter;
mod ssh_input;
mod ssh_line;

pub(crate) use converter::{answer, none_converted};
pub(crate) use ssh_input::read_keys;
