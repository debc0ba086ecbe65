//! Reads sops files and publishes secrets.
//!
//! [`sops`] and [`keys`] are for other programs too: with them one can read a sops file without the sops program. The rest is the
//! program `sops-install-secrets`, in a library so that it can be tested.

#![warn(missing_docs)]

mod again;
pub mod budget;
pub mod changes;
mod child;
pub mod cli;
pub mod confinement;
mod contents;
pub mod encoding;
mod entries;
pub mod environment;
mod failure;
pub mod file;
mod files;
pub mod hardening;
mod host_keys;
pub mod install;
pub mod keys;
mod limit;
pub mod manifest;
pub mod messages;
pub mod plaintext;
mod remedy;
pub mod run;
mod shell;
pub mod sops;
mod spelling;
mod stop;
mod template;
mod umask;
pub mod units;
pub mod users;

/// What a fuzz target needs and no program does; `cargo fuzz` alone builds it.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::keys::fuzzing::{Told, pgp_content, pgp_data, plugin_answers, shared_key};
    pub use crate::template::{TemplateError, Tokens};
}
