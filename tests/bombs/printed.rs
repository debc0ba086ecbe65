//! Files that are short but would be very long when printed, and files with too many values.

use std::{fs, path::PathBuf, thread};

use sha2::{Digest as _, Sha512};

use crate::{
    bounded::{Ended, run},
    common::{Manifest, World, token},
    files::{manifest, with_keys},
    inputs::Inputs,
    is_full,
};

/// Changes the text of a file that the key of `inputs` opens, and installs the whole file as a secret. Returns the first line of
/// the error. The values in the file are empty, so they do not change the MAC.
fn said(what: &str, suffix: &str, change: impl FnOnce(&str) -> String) -> String {
    let world = World::user();
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let file = with_keys(&world, &mut inputs, suffix, 1);
    let text = change(&fs::read_to_string(&file).unwrap());
    fs::write(&file, text).unwrap();
    let ended = run(&world, what, &manifest(&world, &inputs).secret("s", &file, ""), 2048);
    assert_eq!(ended.code, Some(1), "{what}: {}", ended.err);
    ended.err.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn what_would_be_printed_endlessly_is_an_error() {
    let nested = |count: usize, levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{open}{}\"\"{close}", "\"\",".repeat(count))
    };
    let names: Vec<_> = (0..500).map(|number| format!("n{number}_unencrypted =\n")).collect();
    let names = names.concat();
    let long = "x".repeat(100_000);
    let ini = said("INI names of one length", "ini", |text| {
        text.replacen("[s]\n", &format!("[s]\n{names}{long}_unencrypted =\n"), 1)
    });
    let json = said("deep JSON", "json", |text| {
        text.replacen('{', &format!("{{\"l_unencrypted\": {},", nested(200_000, 120)), 1)
    });
    let yaml = said("deep YAML", "yaml", |text| {
        format!("l_unencrypted: {}\n{text}", nested(60_000, 190))
    });
    let problem = "it would be printed many times as long as it is; use single keys of the file";
    for (suffix, said) in [("ini", ini), ("json", json), ("yaml", yaml)] {
        assert_eq!(said, format!("error: secret \"s\" from $DIR/keys.{suffix}: {problem}"));
    }
}

#[test]
fn of_many_small_files_that_print_long_no_more_is_in_memory_than_may_be_published() {
    let (files, most) = (24, 4);
    let world = World::user();
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    // 60 KB of text, which would be printed as 2.4 MB: each empty string stands on a line of its own, behind 115 tabs.
    let nested = format!("{}{}\"\"{}", "[".repeat(115), "\"\",".repeat(20_000), "]".repeat(115));
    let text = fs::read_to_string(with_keys(&world, &mut inputs, "json", 1)).unwrap();
    let text = text.replacen('{', &format!("{{\"l_unencrypted\": {nested},"), 1);
    assert!(text.len() < 64 << 10, "{}", text.len());
    let manifest = manifest(&world, &inputs).with("version", 1).with("maxSize", most);
    let manifest = (0..files).fold(manifest, |manifest, number| {
        let file = world.write(&format!("long-{number:02}.json"), &text);
        manifest.secret(&format!("s{number:02}"), &file, "")
    });
    let ended = run(&world, "small files that print long", &manifest, 2048);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let refused =
        |number: usize| format!("(needed by secret s{number:02}): this would be more than {most} MiB of secrets in all");
    assert!(!ended.err.contains(&refused(0)), "{}", ended.err);
    for number in 1..files {
        assert!(ended.err.contains(&refused(number)), "{}", ended.err);
    }
    // Each thread needs memory for the file on which it works.
    let threads = thread::available_parallelism().unwrap().get().min(8);
    let bound = 20 + most + 4 * threads;
    assert!(ended.peak <= bound, "{} MiB, and not {bound}", ended.peak);
}

#[test]
fn millions_of_values_are_an_error() {
    let problem = "it has millions of values (a very long float counts as several), more than a file of secrets can need";
    let said = [
        said("millions: json", "json", |_| {
            format!("{{\"l\": [{}0]}}", "0,".repeat(2_000_000))
        }),
        said("millions: yaml", "yaml", |_| format!("l: [{}0]", "0,".repeat(2_000_000))),
        said("millions: env", "env", |_| "a=\n".repeat(2_000_001)),
        said("millions: ini", "ini", |_| "a=\n".repeat(2_000_001)),
    ];
    for said in said {
        assert!(said.contains(problem), "{said}");
    }
}

/// A JSON file with one value of this size in MiB, under `k_unencrypted`. Each byte of the value is printed as six bytes, because
/// JSON escapes `<`.
fn of_brackets(world: &World, inputs: &mut Inputs, mebibytes: usize) -> PathBuf {
    let value = "<".repeat(mebibytes << 20);
    let metadata = inputs.metadata(Sha512::new().chain_update(&value));
    world.write(
        "brackets.json",
        format!("{{\"k_unencrypted\": \"{value}\", \"sops\": {metadata}}}"),
    )
}

/// Makes a file of `mebibytes` MiB by [`of_brackets`], and installs the secrets that `declare` takes from it, together with a
/// healthy secret. The healthy secret must be published. In MiB, the run may take four times the size of the file, and the size of
/// what is published, and a little memory for the program itself.
fn takes(what: &str, mebibytes: usize, published: usize, declare: impl FnOnce(&PathBuf, Manifest) -> Manifest) -> Ended {
    let world = World::user();
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let large = of_brackets(&world, &mut inputs, mebibytes);
    let healthy = with_keys(&world, &mut inputs, "yaml", 1);
    let healthy = manifest(&world, &inputs).secret("healthy", &healthy, "k0_unencrypted");
    let ended = run(&world, what, &declare(&large, healthy), 2048);
    let most = 4 * mebibytes + published + 24;
    assert!(ended.peak <= most, "{what}: {} MiB, and not {most}", ended.peak);
    assert_eq!(
        world.read("home/.config/sops-nix/secrets/healthy"),
        "v",
        "{what}: {}",
        ended.err
    );
    ended
}

#[test]
fn memory_is_four_times_the_file_and_what_is_published_however_long_a_file_is_when_printed() {
    // A debug build is so slow that other work on the machine could make it exceed its time limit.
    let unit = if is_full() { 4 } else { 1 };
    let whole = |file: &PathBuf, manifest: Manifest| manifest.secret("s", file, "");
    let ended = takes("what prints six times as long", 6 * unit, 6 * 6 * unit, whole);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let refused = |ended: &Ended, problem: &str| {
        assert_eq!(ended.code, Some(3), "{}", ended.err);
        assert!(ended.err.lines().any(|line| line.ends_with(problem)), "{}", ended.err);
    };
    let more_than = |what: &str| {
        format!(
            "this would be more than {} MiB of {what} in all; raise sops.maxSize",
            16 * unit
        )
    };
    let bounded = |manifest: Manifest| manifest.with("version", 1).with("maxSize", 16 * unit);
    let ended = takes("what prints longer than may be published", 6 * unit, 0, |file, manifest| {
        bounded(manifest).secret("s", file, "")
    });
    refused(&ended, &more_than("secrets"));
    let ended = takes("one value for 20 secrets", 4 * unit, 16 * unit, |file, manifest| {
        (0..20).fold(bounded(manifest), |manifest, number| {
            manifest.secret(&number.to_string(), file, "k_unencrypted")
        })
    });
    refused(&ended, &more_than("secrets"));
    let ended = takes(
        "one value at a thousand places of a template",
        4 * unit,
        4 * unit,
        |file, manifest| {
            let manifest = bounded(manifest).secret("s", file, "k_unencrypted");
            manifest.template("t", &token("s").repeat(1000), serde_json::json!({}))
        },
    );
    refused(&ended, &format!("template \"t\": {}", more_than("templates")));
    let ended = takes(
        "one value at three places of a template",
        4 * unit,
        4 * 4 * unit,
        |file, manifest| {
            let manifest = bounded(manifest).secret("s", file, "k_unencrypted");
            manifest.template("t", &token("s").repeat(3), serde_json::json!({}))
        },
    );
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}
