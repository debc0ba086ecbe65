//! Reads sops files and publishes secrets.
//!
//! Other programs may use [`sops`] and [`keys`]: these two modules read a sops file without the sops program. All other modules
//! belong to the programs `sops-install-secrets` and `sops-nix`. The other modules are in the library so that tests can reach them.

#![warn(missing_docs, unreachable_pub)]

pub mod command;
pub mod install;
pub mod keys;
pub mod manifest;
pub mod program;
pub mod sops;
pub mod system;
pub mod text;
pub mod transform;

/// The items that only fuzz targets need. Only `cargo fuzz` builds this module.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::{
        keys::fuzzing::{FileKeyOrReason, pgp_content, pgp_data, plugin_answers, shared_key},
        program::{template::Slot, tokens::Tokens},
    };
}
