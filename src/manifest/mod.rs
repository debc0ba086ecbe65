//! The manifest: JSON that a Nix module made, turned into values that cannot be wrong.
//!
//! No other module sees a raw string of it. Everything that is wrong is found in one run: [`Manifest::parse`] collects findings
//! and only then decides. A manifest without `version` comes from a module of sops-nix and is read leniently: what the Go program
//! installed without stderr becomes a warning here. With `"version": 1` the same things are errors.

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
