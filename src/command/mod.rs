//! The command `sops-nix`, which people type: its command line, and what it prints.

mod audience;
mod check;
pub mod cli;
mod convert;
mod host;
mod host_keys;
mod identity_file;
mod init;
mod input;
mod inspect;
mod key_list;
mod layout;
mod messages;
mod public_half;
mod question;
mod reply;
mod rule_place;
pub mod run;
mod sops_text;
