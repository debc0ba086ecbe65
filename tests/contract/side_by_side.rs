//! Tests many sops files that are decrypted side by side on all processors. The results must be the same as on one processor.

use std::{fs, thread};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rustix::thread::{CpuSet, sched_setaffinity};

use serde_json::{Value, json};

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

/// Eight files of one size. The secrets of each take a quarter of the size that may be published.
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

/// Six files, each with [`guesses`]. The shared tries are enough for one file only.
fn greedy(world: &World) -> Manifest {
    let file = guesses(&fs::read_to_string(world.fixture("to-native-rsa.json")).unwrap());
    let key = world.fixture("keys/ssh_rsa");
    let manifest = world.manifest().without("ageKeyFile").with("ageSshKeyPaths", json!([key]));
    (0..6).fold(manifest, |manifest, number| {
        let path = world.write(&format!("file-{number}.json"), &file);
        manifest.secret(&format!("secret-{number}"), &path, "database/host")
    })
}

/// The JSON file `text`, in which the right RSA entry comes after 60 other entries that look the same. No entry names the key, so all
/// have to be tried. The file itself allows 8 tries, and the other 53 come from the 64 tries that all files share.
pub fn guesses(text: &str) -> String {
    let file: Value = serde_json::from_str(text).unwrap();
    let own = file["sops"]["age"][0]["enc"].as_str().unwrap().to_owned();
    let others = vec![damaged(&own); 60].into_iter().chain([own]);
    let entries: Value = others
        .map(|message| json!({"recipient": "age1nonsense", "enc": message}))
        .collect();
    // The values stay in their order, because the MAC depends on it.
    let (before, rest) = text.split_once("\"age\": [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    format!("{before}\"age\": {entries}{after}")
}

/// An age message with a change in the body of the stanza for an RSA key.
fn damaged(message: &str) -> String {
    let (begin, end) = ("-----BEGIN AGE ENCRYPTED FILE-----\n", "-----END AGE ENCRYPTED FILE-----\n");
    let body = message.strip_prefix(begin).unwrap().strip_suffix(end).unwrap();
    let mut bytes = BASE64_STANDARD.decode(body.replace('\n', "")).unwrap();
    let name = bytes.windows(7).position(|window| window == b"ssh-rsa").unwrap();
    let line = name + bytes[name..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes[line] = if bytes[line] == b'A' { b'B' } else { b'A' };
    let body = BASE64_STANDARD.encode(bytes);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!("{begin}{}\n{end}", lines.join("\n"))
}

/// Runs `work` on one processor. The programs that it starts run on that processor too.
pub fn on_one_processor<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let on_one = || {
        let mut one = CpuSet::new();
        one.set(0);
        sched_setaffinity(None, &one).unwrap();
        work()
    };
    // `work` gets a thread of its own, because later tests may run on the present thread.
    thread::scope(|scope| scope.spawn(on_one).join().unwrap())
}

/// The exit code, output, messages and published files of a run.
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

#[test]
fn tries_that_files_share_go_to_the_first_file() {
    assert_same(
        greedy,
        3,
        &[
            "the limit of tries was reached",
            "published 1 of 6 in",
            "without: secret-1, secret-2",
        ],
    );
}
