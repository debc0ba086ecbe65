//! Inputs made to exhaust: too deep, too many, too long, or no files at all. The program works or says what is wrong, in bounded memory
//! and time.
//!
//! The sizes of `BOMBS=full` want an optimized program, which `BOMBS_PROGRAM` names; without it, a debug build gets a fraction.
//! What each took is printed as a table. Only a hang fails for its time.

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

/// Whether the sizes are those that somebody could really give, not those that a debug build can take.
fn is_full() -> bool {
    env::var("BOMBS").is_ok_and(|size| size == "full")
}

/// `size`, or a 64th of it.
fn scaled(size: usize) -> usize {
    if is_full() { size } else { size / 64 }
}
