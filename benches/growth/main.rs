//! Files that somebody without any key made to take long, each kind in three sizes: the time of a run must grow with the size of
//! the file, and no faster.
//!
//! Prints a Markdown table and fails when double the size takes more than three times as long, or when the largest of the full sizes takes
//! longer than it may. `--short` takes smaller files; further arguments choose kinds by a part of their names. What counts is time on the
//! processors, the least of several runs, so that other work on the machine does not matter much.

// The lints about panics mean the program; a bench has nobody to report an error to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod claims;
mod formats;
#[path = "../install/inputs.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod inputs;
mod kinds;
mod made;
#[path = "../install/measure.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod measure;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::exit,
    time::Duration,
};

use inputs::Inputs;
use made::{Kind, Made};
use serde_json::json;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sops-install-secrets");

/// The smallest of the full sizes, in bytes, and of the short ones. The others are twice and four times as large.
const SIZES: (usize, usize) = (4 << 20, 1 << 20);
/// The most time for the largest of the full sizes, 16 MiB.
const MOST: Duration = Duration::from_secs(2);
/// By how much double the size may take longer.
const MOST_GROWTH: f64 = 3.0;
/// Shorter times say nothing about growth.
const FLOOR: Duration = Duration::from_millis(60);
/// Of how many runs the fastest counts.
const RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "--measure") {
        measure::here(&arguments[1..]);
    }
    let is_short = arguments.iter().any(|argument| argument == "--short");
    let words: Vec<_> = arguments.iter().filter(|argument| *argument != "--short").collect();
    let wanted = |kind: &&Kind| words.is_empty() || words.iter().any(|word| kind.name.contains(*word));
    println!("| what | size | CPU | peak memory | growth |\n| --- | ---: | ---: | ---: | ---: |");
    let faults = kinds::all()
        .iter()
        .filter(wanted)
        .filter(|kind| !is_linear(kind, is_short))
        .count();
    exit(i32::from(faults > 0));
}

/// Prints a row for each size, and says whether the kind keeps the rules.
fn is_linear(kind: &Kind, is_short: bool) -> bool {
    let smallest = if is_short { SIZES.1 } else { SIZES.0 };
    let mut before: Option<Duration> = None;
    let mut is_linear = true;
    for size in [smallest, smallest * 2, smallest * 4] {
        let (cpu, peak_kib) = cost(kind, size);
        let growth = before
            .filter(|before| *before >= FLOOR)
            .map(|before| cpu.as_secs_f64() / before.as_secs_f64());
        let is_late = size > SIZES.0 * 2 && cpu > MOST;
        let is_fast_enough = !is_late && growth.is_none_or(|growth| growth <= MOST_GROWTH);
        println!(
            "| {} | {:.1} MiB | {:.0} ms | {} MiB | {}{} |",
            kind.name,
            f64::from(u32::try_from(size).unwrap()) / f64::from(1 << 20),
            cpu.as_secs_f64() * 1000.0,
            peak_kib / 1024,
            growth.map_or_else(|| "–".to_owned(), |growth| format!("{growth:.1}")),
            if is_fast_enough { "" } else { " **too long**" },
        );
        is_linear &= is_fast_enough;
        before = Some(cpu);
    }
    is_linear
}

/// The least time on the processors for a file of that size, and the most memory held at once.
fn cost(kind: &Kind, size: usize) -> (Duration, u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let made = (kind.make)(&mut inputs, size);
    let manifest = write_manifest(&directory, &inputs, &made);
    let runs: Vec<_> = (0..RUNS)
        .map(|_| measure::in_own_process(&command(&manifest, &made)))
        .collect();
    let cpu = runs.iter().map(|cost| cost.cpu).min().unwrap();
    (cpu, runs.iter().map(|cost| cost.peak_kib).max().unwrap())
}

fn command(manifest: &Path, made: &Made) -> Vec<String> {
    let program = PROGRAM.to_owned();
    let manifest = manifest.to_str().unwrap().to_owned();
    [program]
        .into_iter()
        .chain(made.arguments.iter().map(|argument| (*argument).to_owned()))
        .chain([manifest])
        .collect()
}

fn write_manifest(directory: &TempDir, inputs: &Inputs, made: &Made) -> PathBuf {
    let at = |name: &str| directory.path().join(name);
    let file = at(made.file_name);
    fs::write(&file, &made.text).unwrap();
    let secrets: Vec<_> = (0..made.secrets)
        .map(|number| {
            let name = format!("secret{number:05}");
            let key = made.key.replace('#', &name);
            json!({ "name": name, "key": key, "sopsFile": file, "format": made.format, "mode": "0400" })
        })
        .collect();
    let mut manifest = json!({
        "secrets": secrets, "secretsMountPoint": at("secrets.d"), "symlinkPath": at("secrets"), "keepGenerations": 1,
        "ageKeyFile": inputs.key_file(), "userMode": true,
    });
    manifest.as_object_mut().unwrap().extend(made.manifest.clone());
    let path = at("manifest.json");
    fs::write(&path, manifest.to_string()).unwrap();
    path
}
