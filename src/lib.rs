//! Reads sops files and publishes secrets.
//!
//! [`sops`] and [`keys`] are for other programs too: with them one can read a sops file without the sops program. The rest is the
//! program `sops-install-secrets`, in a library so that it can be tested.

#![warn(missing_docs, unreachable_pub)]

pub mod install;
pub mod keys;
pub mod manifest;
pub mod program;
pub mod sops;
pub mod system;
pub mod text;

/// What a fuzz target needs and no program does; `cargo fuzz` alone builds it.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::{
        keys::fuzzing::{Told, pgp_content, pgp_data, plugin_answers, shared_key},
        program::template::{TemplateError, Tokens},
    };
}
