//! Many sops files, which are decrypted side by side on all processors, with the results that one processor gives.

use std::{fs, thread};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::common::{Manifest, World, fixtures, say};

/// Forty files, of which every other one fails in one of four ways.
fn manifest(world: &World) -> Manifest {
    let good = fs::read_to_string(world.fixture("nesting.json")).unwrap();
    (0..40).fold(world.manifest(), |manifest, number| {
        let (name, file) = (format!("secret-{number:02}"), format!("file-{number:02}.json"));
        let (path, key) = match number % 8 {
            1 => (world.input(&file), "database/host"),
            3 => (world.altered("nesting.json", &file, "port"), "database/host"),
            5 => (world.write(&file, &good[..700]), "database/host"),
            7 => (world.write(&file, &good), "database/hosts"),
            _ => (world.write(&file, &good), "database/host"),
        };
        manifest.secret(&name, &path, key)
    })
}

/// Eight files of one size, each with a quarter of what may be published.
fn crowded(world: &World) -> Manifest {
    let whole = fs::read(world.fixture("strings.yaml")).unwrap();
    let size = fs::read(fixtures().join("3.13.3/strings.yaml.decrypted")).unwrap().len();
    let manifest = world.manifest().with("version", 1).with("maxSize", 1);
    (0..8).fold(manifest, |manifest, file| {
        let path = world.write(&format!("file-{file}.yaml"), &whole);
        (0..(1 << 18) / size).fold(manifest, |manifest, number| {
            manifest.secret(&format!("secret-{file}-{number:03}"), &path, "")
        })
    })
}

/// Does something on one processor, together with the programs that it starts.
pub fn on_one_processor<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let on_one = || {
        let mut one = CpuSet::new();
        one.set(0);
        sched_setaffinity(None, &one).unwrap();
        work()
    };
    // On a thread of its own, since later tests may run on this one.
    thread::scope(|scope| scope.spawn(on_one).join().unwrap())
}

/// What a run says and leaves: its code, its output, its messages, and its files.
type Outcome = (Option<i32>, String, String, String);

fn outcome(manifest: fn(&World) -> Manifest) -> Outcome {
    let world = World::user();
    let said = world.run(&manifest(&world));
    let tree = world.tree(&world.input("run").display().to_string());
    (said.code, said.out, said.err, tree)
}

fn assert_same(manifest: fn(&World) -> Manifest, code: i32, parts: &[&str]) {
    if thread::available_parallelism().unwrap().get() == 1 {
        return say("skipped: needs a second processor");
    }
    let alone = on_one_processor(|| outcome(manifest));
    assert_eq!(alone.0, Some(code), "{alone:?}");
    for part in parts {
        assert!(alone.2.contains(part), "{part:?} is not in {}", alone.2);
    }
    for _ in 0..5 {
        assert_eq!(outcome(manifest), alone);
    }
}

#[test]
fn results_and_messages_of_many_files_are_those_of_one_processor() {
    assert_same(
        manifest,
        3,
        &[
            "file-01.json",
            "file-03.json",
            "file-05.json",
            "secret-07",
            "published 20 of 40",
        ],
    );
}

#[test]
fn of_files_that_together_are_too_large_the_first_ones_are_published() {
    assert_same(crowded, 3, &["more than 1 MiB of secrets", "file-4.yaml", "file-7.yaml"]);
}
