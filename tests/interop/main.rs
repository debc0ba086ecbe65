//! Compares this program with the real sops, on random documents of every format, and on damaged files.
//!
//! Variables: `INTEROP_DOCUMENTS` is the number of documents for each format (300), `INTEROP_MUTANTS` is the number of mutants
//! (200), and `INTEROP_RULES` is the number of files that are encrypted by rules (60). `INTEROP_SEED` repeats a run. `SOPS` names the sops program. If `REQUIRE_SOPS` is set, a missing sops is a failure.

// The lints about panics are meant for the program. A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod compare;
mod document;
mod flips;
mod generate;
mod mutants;
mod mutate;
mod ours;
mod random;
mod render;
mod rules;
mod shrink;
mod sops;

use std::io::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use compare::{Case, NoCase, Verdict, fault_of, keep};
use document::Format;
use ours::Batch;
use random::Random;
use sops::Sops;

const DOCUMENTS_A_RUN: usize = 60;

/// Prints a line that the test runner does not hide.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The sops program. If there is none, prints that, and returns `None`.
fn sops_or_skip() -> Option<Sops> {
    let found = Sops::find();
    if found.is_none() {
        assert!(
            env::var_os("REQUIRE_SOPS").is_none(),
            "sops is not on PATH, and REQUIRE_SOPS is set"
        );
        say("skipped: sops is not on PATH");
    }
    found
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

fn seed() -> u64 {
    number("INTEROP_SEED").unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// The results for the documents of a run.
#[derive(Default)]
struct Tally {
    alike: usize,
    alike_in_values: usize,
    unjudged: usize,
    leaves: usize,
    parts: usize,
    refused_by_sops: usize,
    unreadable_by_sops: usize,
}

impl Tally {
    fn count(&mut self, case: &Case, verdict: &Verdict) {
        match verdict {
            Verdict::Alike => self.alike += 1,
            Verdict::AlikeInValues => self.alike_in_values += 1,
            Verdict::Unjudged => self.unjudged += 1,
            Verdict::Different(_) => {}
        }
        self.leaves += usize::from(case.has_leaf());
        self.parts += case.part_count();
    }

    fn line(&self, format: Format, seed: u64) -> String {
        format!(
            "interop {}: {} documents alike byte for byte, {} alike in their values because sops misprints them, {} misprinted that nothing can judge, {} single values, {} parts; \
             sops refused {} more and could not read back {} (INTEROP_SEED={seed})",
            format.name(),
            self.alike,
            self.alike_in_values,
            self.unjudged,
            self.leaves,
            self.parts,
            self.refused_by_sops,
            self.unreadable_by_sops,
        )
    }
}

/// Makes as many documents as wanted, and compares them in batches.
fn agree_on_random_documents(format: Format) {
    let Some(sops) = sops_or_skip() else { return };
    let wanted = usize::try_from(number("INTEROP_DOCUMENTS").unwrap_or(300)).unwrap();
    let seed = seed();
    let mut tally = Tally::default();
    let mut faults = Vec::new();
    let mut next = 0;
    while tally.alike < wanted {
        let mut cases = Vec::new();
        let mut batch = Batch::default();
        while cases.len() < DOCUMENTS_A_RUN.min(wanted) {
            assert!(
                next < wanted as u64 * 3 + 100,
                "sops took too few of the documents: {}",
                tally.line(format, seed)
            );
            let own_seed = seed.wrapping_mul(1_000_003).wrapping_add(next);
            let choice = next.is_multiple_of(3).then_some(usize::try_from(next).unwrap());
            next += 1;
            match Case::new(&sops, generate::document(format, own_seed), &format!("{next}"), choice) {
                Ok(mut case) => {
                    case.join(&mut batch);
                    cases.push((case, own_seed, choice));
                }
                Err(NoCase::Refused) => tally.refused_by_sops += 1,
                Err(NoCase::Unreadable) => tally.unreadable_by_sops += 1,
            }
        }
        let installed = batch.install();
        for (case, own_seed, choice) in cases {
            let verdict = case.verdict(&sops, &installed);
            tally.count(&case, &verdict);
            if verdict.fault().is_some() {
                faults.push((own_seed, choice));
            }
            let _ = fs::remove_file(&case.encrypted);
        }
        if faults.len() > 20 {
            break;
        }
    }
    say(&tally.line(format, seed));
    let reports: Vec<_> = faults
        .iter()
        .take(5)
        .map(|&(own_seed, choice)| report(&sops, format, own_seed, choice))
        .collect();
    assert!(
        faults.is_empty(),
        "{} documents differ (INTEROP_SEED={seed}):\n{}",
        faults.len(),
        reports.join("\n")
    );
}

/// Shrinks a failing document, keeps it, and returns what is wrong.
fn report(sops: &Sops, format: Format, own_seed: u64, choice: Option<usize>) -> String {
    let document = generate::document(format, own_seed);
    let Some(first) = fault_of(sops, document.clone(), choice) else {
        return format!("document {own_seed} fails beside others only");
    };
    let small = shrink::shrink(document, |smaller| fault_of(sops, smaller.clone(), choice).is_some());
    let fault = fault_of(sops, small.clone(), choice).unwrap_or(first);
    let Ok(case) = Case::new(sops, small, "shrunk", None) else {
        return fault;
    };
    let file = keep(&case, &format!("{}-{own_seed}", format.name()));
    let plain = render::render(&case.document);
    format!(
        "{}: rule {:?}\n{}\n{fault}",
        file.display(),
        case.document.rule,
        String::from_utf8_lossy(&plain[..plain.len().min(600)])
    )
}

#[test]
fn yaml_documents_decrypt_as_sops_decrypts_them() {
    agree_on_random_documents(Format::Yaml);
}

#[test]
fn json_documents_decrypt_as_sops_decrypts_them() {
    agree_on_random_documents(Format::Json);
}

#[test]
fn dotenv_documents_decrypt_as_sops_decrypts_them() {
    agree_on_random_documents(Format::Dotenv);
}

#[test]
fn ini_documents_decrypt_as_sops_decrypts_them() {
    agree_on_random_documents(Format::Ini);
}

#[test]
fn binary_documents_decrypt_as_sops_decrypts_them() {
    agree_on_random_documents(Format::Binary);
}

#[test]
fn kept_regressions_stay_mended() {
    let directory = sops::fixtures().join("regressions");
    let mut batch = Batch::default();
    let mut wanted = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let file = entry.unwrap().path();
        let format = match file.extension().and_then(|extension| extension.to_str()) {
            Some("yaml") => Format::Yaml,
            Some("json") => Format::Json,
            Some("env") => Format::Dotenv,
            Some("ini") => Format::Ini,
            Some("bin") => Format::Binary,
            _ => continue,
        };
        let expected = fs::read(format!("{}.decrypted", file.display())).unwrap();
        wanted.push((batch.add(&file, format, ""), file, expected));
    }
    let installed = batch.install();
    for (number, file, expected) in wanted {
        let content = installed.content(number);
        assert_eq!(
            content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Some(String::from_utf8_lossy(&expected).into_owned()),
            "{}: {}",
            file.display(),
            installed.complaints()
        );
    }
}

#[test]
fn a_flipped_bit_is_refused_unless_sops_takes_the_file_too() {
    let Some(sops) = sops_or_skip() else { return };
    let seed = seed();
    let mut random = Random::new(seed);
    let mut faults = Vec::new();
    for format in [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary] {
        let mut batch = Batch::default();
        let mut damaged = Vec::new();
        let mut sound = None;
        for at in 0..40 {
            let document = generate::document(format, random.bits());
            let Ok(case) = Case::new(&sops, document, &format!("sound-{at}"), None) else {
                continue;
            };
            let file = fs::read(&case.encrypted).unwrap();
            for (place, pattern) in flips::PLACES {
                let Some(bytes) = flips::flipped(&file, pattern, &mut random) else {
                    continue;
                };
                let path = sops.file(&format!("flipped-{at}-{place}"));
                let change = flips::changed_line(&file, &bytes);
                fs::write(&path, bytes).unwrap();
                damaged.push((batch.add(&path, format, ""), path, *place, change));
            }
            sound.get_or_insert(case);
        }
        // The batch also has one file without damage. It shows that the run looks at each file on its own.
        let mut sound = sound.unwrap();
        sound.join(&mut batch);
        let count = damaged.len();
        let installed = batch.install();
        assert!(sound.is_installed(&installed), "{}", installed.complaints());
        assert_ne!(
            installed.output.status.code(),
            Some(0),
            "{count} damaged files, and all is well"
        );
        let mut survivors = 0;
        for (number, path, place, change) in damaged {
            if installed.content(number).is_none() {
                continue;
            }
            survivors += 1;
            // A change that sops accepts too is no damage, for example in a trailing bit of base64, in a comment, or in a name that
            // nothing protects.
            // There are documents that it decrypts, but cannot print.
            if let Err(complaint) = sops.decrypt(format, &path)
                && !complaint.contains("Error dumping file")
            {
                faults.push(format!("{} {place}: {change}; sops says: {complaint}", format.name()));
            }
        }
        say(&format!(
            "interop {}: {count} files with a flipped bit, {survivors} that sops takes too (INTEROP_SEED={seed})",
            format.name()
        ));
    }
    assert!(
        faults.is_empty(),
        "ours installed damaged files (INTEROP_SEED={seed}):\n{}",
        faults.join("\n")
    );
}

#[test]
fn a_damaged_file_alone_is_not_installed() {
    let file = fs::read(sops::fixtures().join("3.13.2/encrypted-regex.yaml")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (place, pattern) in flips::PLACES {
        let bytes = flips::flipped(&file, pattern, &mut Random::new(4)).unwrap();
        let path = directory.path().join("flipped.yaml");
        fs::write(&path, bytes).unwrap();
        let mut batch = Batch::default();
        let number = batch.add(&path, Format::Yaml, "");
        let installed = batch.install();
        assert_ne!(
            installed.output.status.code(),
            Some(0),
            "a bit of {place} flipped: {}",
            installed.complaints()
        );
        assert_eq!(
            installed.content(number),
            None,
            "a bit of {place} flipped, and yet there is the secret"
        );
    }
}
