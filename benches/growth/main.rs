//! Measures files that take long on purpose. A person without any key can make such a file. Each kind of file is tried in three
//! sizes: the time of a run must not grow faster than the size of the file.
//!
//! Prints a Markdown table. Fails in three cases: a file of double the size takes more than three times as long, the largest file
//! of the full sizes takes longer than it may, or a run takes more memory than the units have.
//!
//! `--short` takes smaller files. `--large` takes the largest files that are allowed, each only once. Further arguments choose
//! kinds by a part of their names. The time on the processors is measured, not the time on the clock, and the fastest of several
//! runs counts. So other work on the machine does not matter much.

// The lints about panics are meant for the program. A bench may panic, because it has nobody to report an error to.
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
mod messages;

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

/// How large the files are, and how often they are tried.
struct Scale {
    /// The smallest size, in bytes. The others are twice and four times as large.
    smallest: usize,
    /// The number of runs, of which only the fastest counts.
    runs: usize,
    /// Limit: the largest size takes at most this time.
    most: Option<Duration>,
}

const SHORT: Scale = Scale {
    smallest: 1 << 20,
    runs: 3,
    most: None,
};
const FULL: Scale = Scale {
    smallest: 4 << 20,
    runs: 3,
    most: Some(Duration::from_secs(2)),
};
/// Up to 252 MiB, a little less than the default of `sops.maxSize`.
const LARGE: Scale = Scale {
    smallest: 63 << 20,
    runs: 1,
    most: None,
};
/// Limit in KiB: the units have 2 GiB of memory for such files.
const MOST_MEMORY: u64 = 2 << 20;
/// Limit: double the size may take at most three times as long.
const MOST_GROWTH: f64 = 3.0;
/// A shorter time says nothing about growth.
const FLOOR: Duration = Duration::from_millis(60);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "--measure") {
        measure::here(&arguments[1..]);
    }
    let (flags, words): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with("--"));
    let scale = match flags.first().map(|flag| flag.as_str()) {
        Some("--short") => SHORT,
        Some("--large") => LARGE,
        _ => FULL,
    };
    let wanted = |kind: &&Kind| words.is_empty() || words.iter().any(|word| kind.name.contains(*word));
    println!("| what | size | CPU | peak memory | growth |\n| --- | ---: | ---: | ---: | ---: |");
    let faults = kinds::all()
        .iter()
        .filter(wanted)
        .filter(|kind| !keeps_rules(kind, &scale))
        .count();
    exit(i32::from(faults > 0));
}

/// Prints a row for each size. Returns whether the kind keeps the limits.
fn keeps_rules(kind: &Kind, scale: &Scale) -> bool {
    let mut before: Option<Duration> = None;
    let mut keeps = true;
    for factor in [1, 2, 4] {
        let size = scale.smallest * factor;
        let (cpu, peak_kib) = cost(kind, size, scale.runs);
        let growth = before
            .filter(|before| *before >= FLOOR)
            .map(|before| cpu.as_secs_f64() / before.as_secs_f64());
        let is_late = factor == 4 && scale.most.is_some_and(|most| cpu > most);
        let faults = [
            (is_late || growth.is_some_and(|growth| growth > MOST_GROWTH), " **too long**"),
            (peak_kib > MOST_MEMORY, " **too much**"),
        ];
        let told: String = faults.iter().filter(|(is_so, _)| *is_so).map(|(_, words)| *words).collect();
        println!(
            "| {} | {} MiB | {:.0} ms | {} MiB | {}{told} |",
            kind.name,
            size >> 20,
            cpu.as_secs_f64() * 1000.0,
            peak_kib / 1024,
            growth.map_or_else(|| "–".to_owned(), |growth| format!("{growth:.1}")),
        );
        keeps &= told.is_empty();
        before = Some(cpu);
    }
    keeps
}

/// The shortest time on the processors for a file of this size, and the most memory that a run held at once.
fn cost(kind: &Kind, size: usize, runs: usize) -> (Duration, u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let made = (kind.make)(&mut inputs, size);
    let manifest = write_manifest(&directory, &inputs, &made);
    let costs: Vec<_> = (0..runs)
        .map(|_| measure::in_own_process(&command(&manifest, &made)))
        .collect();
    let cpu = costs.iter().map(|cost| cost.cpu).min().unwrap();
    (cpu, costs.iter().map(|cost| cost.peak_kib).max().unwrap())
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
