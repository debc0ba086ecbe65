//! Runs the program on inputs that could exhaust it: inputs that are nested too deeply, have too many or too long parts, or are no
//! files at all. The program must either work or say what is wrong, and must need only limited memory and time.
//!
//! The sizes of `BOMBS=full` need an optimized program; the variable `BOMBS_PROGRAM` names it. Without `BOMBS=full`, a debug build
//! gets only a fraction of these sizes. A table with the costs of each run is printed. No run fails because it is slow, unless it
//! hangs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../benches/install/inputs.rs"]
#[allow(dead_code, reason = "the bench uses the rest")]
mod inputs;

mod bounded;
mod files;
mod printed;
mod rules;
mod sizes;
mod special;

use std::env;

/// Whether the inputs have the sizes that an attacker could really use. Otherwise they have sizes that a debug build can handle.
fn is_full() -> bool {
    env::var("BOMBS").is_ok_and(|size| size == "full")
}

/// `size` for the full sizes; otherwise a 64th of it.
fn scaled(size: usize) -> usize {
    if is_full() { size } else { size / 64 }
}
