//! Every bad input has its message: object, cause and remedy, in lower case and without a full stop.
//!
//! Most are cases in files, which need no Rust: `cases.rs` says how. The others are here, with their texts beside them. After a change
//! of wording, `UPDATE_EXPECT=1 cargo test --test messages` writes all texts anew; read what it wrote as somebody would who has only
//! this text and a server that did not come up.

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

/// Runs dry: nothing has to be mounted for a message.
fn dry(world: &World, manifest: &Manifest) -> Said {
    world.run_with(manifest, |command| command.env("NIXOS_ACTION", "dry-activate"))
}

/// What a run says and how it ends, as a paragraph under a heading.
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
