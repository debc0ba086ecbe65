//! What a drop-in replacement must do, and the defects of the Go program that it must not have: the real program on real files.

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
mod failing;
mod fixtures;
mod generations;
mod homes;
mod manifests;
mod mounts;
mod paths;
mod placement;
mod side_by_side;
mod spellings;
mod templates;
mod units;
mod upstream;
mod user_mode;
mod values;
