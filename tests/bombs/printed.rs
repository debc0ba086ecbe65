//! Files that are short and would be printed endlessly, and files of too many values.

use std::fs;

use crate::{
    bounded::run,
    common::World,
    files::{manifest, with_keys},
    inputs::Inputs,
};

/// Of a file that the own key opens, with its text changed, what is said of the secret that is all of it. Empty values count for no MAC.
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
    let problem = "printed as a whole it would be many times as long as what it holds; take single keys of it";
    for (suffix, said) in [("ini", ini), ("json", json), ("yaml", yaml)] {
        assert_eq!(said, format!("error: secret s from $DIR/keys.{suffix}: {problem}"));
    }
}

#[test]
fn millions_of_values_are_an_error() {
    let problem = "it has millions of values, more than a file of secrets can need";
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
