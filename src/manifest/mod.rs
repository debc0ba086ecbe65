//! The manifest: reads the JSON that a Nix module made, and validates it.
//!
//! No other module sees the raw strings of the manifest. [`Manifest::parse`] collects all findings and decides at the end, so one run
//! reports everything that is wrong.
//!
//! A manifest without `version` comes from a module of sops-nix, and is read leniently. A fault that the Go program of sops-nix
//! accepts without a message is then only a warning. With `"version": 1`, the same fault is an error.

mod check;
mod convert;
mod declaration;
mod directories;
mod error;
mod findings;
mod form;
mod key_services;
mod named_entry;
mod overlap;
mod parse;
mod paths;
mod policy;
mod raw;
#[cfg(test)]
mod schema;
mod selection;
mod settings;
mod transforming;
mod unit_names;
mod unknown_fields;
mod written_files;

pub use declaration::{
    Account, Body, Directory, Logging, MOCK_MARK, Manifest, OnFailure, Phase, Placeholder, Placement, Secret, Selection,
    Template, Trim,
};
pub use error::ManifestError;
pub(crate) use paths::without_detours;
