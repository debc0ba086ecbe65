//! Tests that the real program, with real files, can replace the Go program of sops-nix, and does not have its defects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod budgets;
mod checks;
mod copies;
mod deferred;
mod directories;
mod env_files;
mod failing;
mod first_boot;
mod fixtures;
mod generations;
mod homes;
mod late_key;
mod ledger;
mod long_values;
mod manifests;
mod metrics;
mod mock;
mod mounts;
mod optional;
mod parts;
mod paths;
mod placement;
mod side_by_side;
mod spellings;
mod templates;
mod transforms;
mod unchanged;
mod units;
mod upstream;
mod user_mode;
mod user_namespaces;
mod values;
mod waiting;
mod watching;
