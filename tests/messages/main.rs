//! Tests that every wrong input has a message with an object, a cause and a remedy, in lower case and without a full stop.
//!
//! Most tests are cases in files, which need no Rust code; `cases.rs` describes the files. The other tests are here, with the
//! expected texts beside them.
//!
//! After a change of wording, `UPDATE_EXPECT=1 cargo test --test messages` writes all texts again. Read the new texts as a person
//! would who has only this text, and a server that did not start.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]
#![allow(
    clippy::too_many_lines,
    reason = "a table of cases and the text that they give belong together"
)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes the texts")]

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod command_line;
mod recipients;
mod sops_files;

use common::{Manifest, Said, World};

/// Makes a dry run, so that nothing has to be mounted.
fn dry(world: &World, manifest: &Manifest) -> Said {
    world.run_with(manifest, |command| command.env("NIXOS_ACTION", "dry-activate"))
}

/// The output and the exit code of a run, as a paragraph under a heading.
fn paragraph(heading: &str, said: &Said) -> String {
    assert!(!said.err.contains("a fault in sops-install-secrets"), "{heading}: {said:?}");
    let code = said.code.map_or("killed".to_owned(), |code| code.to_string());
    let out = if said.out.is_empty() {
        String::new()
    } else {
        format!("(standard output) {}", said.out)
    };
    format!("# {heading}: {code}\n{out}{}\n", said.err)
}
