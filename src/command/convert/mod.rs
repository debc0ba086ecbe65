//! Turns SSH keys into the recipients that a `.sops.yaml` can name.

mod converter;
mod identity_file;
mod ssh_input;

pub(crate) use converter::answer;
