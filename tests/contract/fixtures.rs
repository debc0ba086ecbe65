//! The files of all versions of sops, installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::common::{Manifest, World, fixtures};

/// The rows of a table of the fixtures.
fn rows(table: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(table).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A manifest with every key of the fixtures.
fn with_all_keys(world: &World) -> Manifest {
    let ssh = ["keys/ssh_ed25519", "keys/ssh_rsa"].map(|key| world.fixture(key));
    let keys =
        ["keys/age.txt", "keys/other-age.txt", "keys/hybrid.txt"].map(|key| fs::read_to_string(world.fixture(key)).unwrap());
    let key = world.write("all-keys.txt", keys.concat());
    world
        .manifest()
        .with("ageKeyFile", json!(key))
        .with("ageSshKeyPaths", json!(ssh))
}

/// The version directories of the fixtures.
fn versions() -> BTreeSet<String> {
    let entries = fs::read_dir(fixtures()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn whole_files_of_all_formats_and_versions_install_as_sops_decrypts_them() {
    let Some(world) = World::system() else { return };
    let mut manifest = with_all_keys(&world);
    let mut expected = Vec::new();
    for version in versions() {
        let dir = fixtures().join(&version);
        for row in rows(&dir.join("index.tsv")) {
            let (file, format) = (&row[0], &row[1]);
            let Ok(plain) = fs::read(dir.join(format!("{file}.decrypted"))) else {
                continue;
            };
            if ["to-pgp", "to-key-groups", "to-plugin"]
                .iter()
                .any(|kind| file.starts_with(kind))
            {
                continue;
            }
            let name = format!("{version}/{file}");
            manifest = manifest.secret_with(&name, &dir.join(file), "", json!({"format": format}));
            expected.push((name, plain));
        }
    }
    assert!(expected.len() > 100, "only {} fixtures", expected.len());
    world.install(&manifest);
    let mut faults = Vec::new();
    for (name, plain) in expected {
        let installed = fs::read(world.path(&format!("/run/secrets.d/1/{name}"))).unwrap();
        if installed != plain {
            faults.push(format!(
                "{name}\n  ours: {}\n  sops: {}",
                installed.escape_ascii(),
                plain.escape_ascii()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn single_values_of_all_versions_install_as_sops_extracts_them() {
    let Some(world) = World::system() else { return };
    let mut manifest = with_all_keys(&world);
    let mut expected = Vec::new();
    for version in versions() {
        let dir = fixtures().join(&version);
        for (number, row) in rows(&dir.join("values.tsv")).iter().enumerate() {
            let (file, key) = (&row[0], &row[1]);
            // A key with an empty name cannot be written in a manifest.
            if key.starts_with('[') {
                continue;
            }
            let value = BASE64_STANDARD.decode(row.get(2).map_or("", String::as_str)).unwrap();
            let name = format!("{version}/{number}");
            manifest = manifest.secret(&name, &dir.join(file), key);
            expected.push((name, format!("{file} {key}"), value));
        }
    }
    assert!(expected.len() > 100, "only {} values", expected.len());
    world.install(&manifest);
    let mut faults = Vec::new();
    for (name, what, mut value) in expected {
        let installed = fs::read(world.path(&format!("/run/secrets.d/1/{name}"))).unwrap();
        // sops ends numbers, booleans and times of YAML files with a line break, which is no part of the value.
        if what.contains(".yaml") && value.ends_with(b"\n") && !installed.ends_with(b"\n") {
            value.pop();
        }
        if installed != value {
            faults.push(format!(
                "{name} ({what})\n  ours: {}\n  sops: {}",
                installed.escape_ascii(),
                value.escape_ascii()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
