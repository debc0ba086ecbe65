//! Tests every way to give a host a key, with real files of sops. They test which files open, what is reported about the others,
//! and which programs are started.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes the texts")]

#[path = "../common/mod.rs"]
mod common;

mod accounting;
mod agents;
mod children;
mod failing;
mod host;
mod kind;
mod matrix;
mod own;
mod recipients;
mod refused;
mod services;
mod stopping;
mod tagged;
mod waiting;
mod writers;
mod wrong;

use std::path::PathBuf;

use common::{Said, fixtures};

/// The formats, by the suffixes of the fixtures.
const FORMATS: [&str; 5] = ["yaml", "json", "env", "ini", "bin"];

/// A file of the fixtures.
fn fixture(name: &str) -> PathBuf {
    let version = if name.contains('/') { "" } else { "3.13.2" };
    fixtures().join(version).join(name)
}

/// The output and the exit code of a run, as a paragraph under a heading. The warning that secrets are on a disk is left out.
fn paragraph(heading: &str, said: &Said) -> String {
    let code = said.code.map_or("killed".to_owned(), |code| code.to_string());
    let lines = said.err.lines().filter(|line| !line.contains(" is on a disk, "));
    let err: String = lines.flat_map(|line| [line, "\n"]).collect();
    format!("# {heading}: {code}\n{}{err}\n", said.out)
}
