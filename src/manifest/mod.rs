//! The manifest: reads the JSON that a Nix module made, and validates it.
//!
//! No other module sees its raw strings. [`Manifest::parse`] collects everything that is wrong, and decides at the end, so one run
//! reports it all. A manifest without `version` comes from a module of sops-nix and is read leniently: a fault that the
//! Go program of sops-nix accepts without a word is only a warning here. With `"version": 1` it is an error.

mod check;
mod convert;
mod declaration;
mod error;
mod findings;
mod parse;
mod paths;
mod raw;
#[cfg(test)]
mod schema;

pub use declaration::{Account, Body, Logging, Manifest, Placeholder, Placement, Secret, Selection, Template};
pub use error::ManifestError;
