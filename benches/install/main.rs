//! The whole program, from start to exit, on inputs from one secret to a hundred thousand, as a Markdown table.
//!
//! Each row says how many times the cost of the floor it takes: of a bare program that makes only the necessary system calls and
//! cryptography. If `SOPS_NIX_PROGRAM` names another program that takes the same manifests, it runs in turn, and each row says how many
//! times our cost it takes.
//!
//! As root the programs run in a private mount namespace with the real ramfs, otherwise in user mode. `--short` is for a check that the
//! bench works: one run of each, smaller inputs. `--picture FILE` draws how time and memory grow. Further arguments choose cases by a
//! part of their names.

// The lints about panics are meant for the program. A bench may panic, because it has nobody to report an error to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod case;
mod floor;
mod inputs;
mod keys;
mod measure;
mod picture;
mod place;
mod plan;
mod programs;
mod table;

use std::{env, fs, path::Path};

use case::{Case, Cases};
use place::Place;
use programs::Costs;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("--measure") => measure::here(&arguments[2..]),
        Some("--floor") => floor::run(Path::new(&arguments[2])),
        Some("--inside") => bench(&Place::new(), &arguments[2..]),
        _ => place::start_over(&arguments[1..]),
    }
}

fn bench(place: &Place, arguments: &[String]) {
    let is_short = arguments.iter().any(|argument| argument == "--short");
    let picture = arguments.iter().position(|argument| argument == "--picture");
    let picture = picture.map(|at| &arguments[at + 1]);
    let words: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--") && Some(*argument) != picture)
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let mut cases = Cases::new(place, directory.path(), is_short);
    cases.make();
    println!("Whole process, {}; medians of runs in turn.\n", manner(place));
    println!("{}", table::head());
    let wanted = |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(*word));
    let results: Vec<_> = cases
        .all
        .into_iter()
        .filter(wanted)
        .map(|case| measured(case, place))
        .collect();
    place.clear();
    if let Some(file) = picture {
        fs::write(file, picture::draw(&results)).unwrap();
    }
    let failed = results.iter().filter(|(_, costs)| !costs.are_good());
    let failed: Vec<_> = failed.map(|(case, _)| case.name.as_str()).collect();
    assert!(failed.is_empty(), "a program failed: {}", failed.join(", "));
}

/// Runs the programs on one case, and prints its row.
fn measured(case: Case, place: &Place) -> (Case, Costs) {
    let costs = Costs::of(&case, place);
    println!("{}", table::row(&case, &costs));
    (case, costs)
}

fn manner(place: &Place) -> &'static str {
    if place.is_user {
        "user mode, without a mount"
    } else {
        "as root, ramfs in a private mount namespace"
    }
}
