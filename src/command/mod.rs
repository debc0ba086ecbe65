//! The command `sops-nix`, which people type: its command line, and what it prints.

mod audience;
mod check;
pub mod cli;
mod convert;
mod host_keys;
mod input;
mod inspect;
mod key_list;
mod layout;
mod reply;
pub mod run;
mod sops_text;
