//! Tests remedies by carrying them out. Each remedy that the program or a module can print is carried out in the situation for
//! which it is printed, with the real sops, age, ssh-keygen, gpg, git and umount. The test then checks that the situation is
//! repaired.
//!
//! Tables have a row for each remedy. A row contains words of the source text that prints the remedy. `every_remedy_has_a_row`
//! fails if a remedy has no row, or a row has no remedy. If a remedy cannot be carried out here, its row says why, and what is
//! checked instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod installing;
mod keys;
mod ledger;
mod manifest;
mod modules;
mod recipients;
mod scene;
mod sops_files;
mod source;
mod values;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A remedy.
struct Row {
    /// Words of the source that prints the remedy, exactly as in the source.
    words: &'static str,
    proof: Proof,
}

/// How the test shows that the remedy works.
enum Proof {
    /// The function makes the situation, carries out the remedy that is printed, and checks that the situation is repaired.
    Mended(fn()),
    /// The remedy cannot be carried out here, for the given reason. The options and units that it names must exist.
    Named {
        why: &'static str,
        names: &'static [&'static str],
    },
}

const fn mended(words: &'static str, proof: fn()) -> Row {
    Row {
        words,
        proof: Proof::Mended(proof),
    }
}

const fn named(words: &'static str, why: &'static str, names: &'static [&'static str]) -> Row {
    Row {
        words,
        proof: Proof::Named { why, names },
    }
}

/// The rows of all tables.
fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        sops_files::ROWS,
        values::ROWS,
        recipients::ROWS,
        keys::ROWS,
        installing::ROWS,
        manifest::ROWS,
        modules::ROWS,
        commands::ROWS,
        ledger::ROWS,
    ];
    tables.into_iter().flatten()
}

/// Carries out all rows of a table that can be carried out here. Fails with the names of all rows that failed.
fn prove(table: &[Row]) {
    let mut failed = Vec::new();
    for row in table {
        let proven = catch_unwind(AssertUnwindSafe(|| match row.proof {
            Proof::Mended(proof) => proof(),
            Proof::Named { why, names } => {
                assert!(!why.is_empty());
                for name in names {
                    assert!(exists(name), "{name}");
                }
            }
        }));
        if proven.is_err() {
            failed.push(row.words);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Whether this is the name of a documented option, or of a unit that the modules make.
fn exists(name: &str) -> bool {
    let read = |path: &str| fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + path).unwrap();
    match name.strip_suffix(".service") {
        Some(_) => [
            "nixos-module/units.nix",
            "nixos-module/unit-checks.nix",
            "home-module/systemd.nix",
        ]
        .iter()
        .any(|path| read(path).contains(name)),
        None => read("docs/options.md").contains(name),
    }
}

#[test]
fn every_remedy_has_a_row() {
    let texts = source::texts();
    assert!(
        texts.iter().any(source::Text::is_advice),
        "the place of advice has another name"
    );
    let remedies: Vec<_> = texts.iter().filter(|text| text.is_remedy()).collect();
    assert!(remedies.len() > 70, "{}", remedies.len());
    let without: Vec<_> = remedies
        .iter()
        .filter(|remedy| !rows().any(|row| remedy.text.contains(row.words)))
        .map(|remedy| format!("{}: {}", remedy.path, remedy.text))
        .collect();
    assert!(without.is_empty(), "without a row:\n{}", without.join("\n"));
    let of_nothing: Vec<_> = rows()
        .filter(|row| !texts.iter().any(|text| text.text.contains(row.words)))
        .map(|row| row.words)
        .collect();
    assert!(of_nothing.is_empty(), "rows of nothing: {of_nothing:#?}");
}

#[test]
fn a_sops_file_that_cannot_be_used_is_mended() {
    prove(sops_files::ROWS);
}

#[test]
fn a_value_that_is_not_there_is_mended() {
    prove(values::ROWS);
}

#[test]
fn a_file_that_no_key_opens_is_opened() {
    prove(recipients::ROWS);
}

#[test]
fn a_source_of_keys_that_gives_none_is_mended() {
    prove(keys::ROWS);
}

#[test]
fn what_stands_in_the_way_of_secrets_is_mended() {
    prove(installing::ROWS);
}

#[test]
fn a_manifest_is_mended() {
    prove(manifest::ROWS);
}

#[test]
fn a_configuration_is_mended() {
    prove(modules::ROWS);
}
