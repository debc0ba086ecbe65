//! Installs the files that all versions of sops encrypted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::common::{Manifest, World, fixtures};

/// The rows of a table in the fixtures.
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

/// A fixture that is installed as a whole file, and its decrypted content.
struct Whole {
    name: String,
    format: String,
    plain: Vec<u8>,
}

/// All fixtures that sops can open. They are grouped by the column of `index.tsv` that names the key.
fn files_by_key() -> BTreeMap<String, Vec<Whole>> {
    let mut files: BTreeMap<String, Vec<Whole>> = BTreeMap::new();
    for version in versions() {
        let dir = fixtures().join(&version);
        for row in rows(&dir.join("index.tsv")) {
            let [file, format, key, judge] = row.as_slice() else {
                panic!("{row:?}")
            };
            // Even sops does not open this file.
            if judge == "-" {
                continue;
            }
            files.entry(key.clone()).or_default().push(Whole {
                name: format!("{version}/{file}"),
                format: format.clone(),
                plain: fs::read(dir.join(format!("{file}.decrypted"))).unwrap(),
            });
        }
    }
    files
}

/// A manifest with this single key of the fixtures, or with all keys if `key` is `-`. If the key needs gpg and there is none,
/// prints that, and returns `None`.
fn with_key(world: &World, key: &str) -> Option<Manifest> {
    let manifest = || world.manifest().without("ageKeyFile");
    let fixture = |key: &str| world.fixture(&format!("keys/{key}"));
    Some(match key {
        "-" => with_all_keys(world),
        _ if key.starts_with("ssh_") => manifest().with("ageSshKeyPaths", json!([fixture(key)])),
        _ if key.starts_with("pgp") => manifest().with("gnupgHome", json!(world.gnupg_home(&[key])?)),
        _ => manifest().with("ageKeyFile", json!(fixture(key))),
    })
}

/// The faults in what was installed from these files with the key that `index.tsv` names.
fn faults_of(key: &str, files: &[Whole]) -> Vec<String> {
    let Some(world) = World::system() else { return vec![] };
    let Some(mut manifest) = with_key(&world, key) else {
        return vec![];
    };
    for file in files {
        let path = fixtures().join(&file.name);
        manifest = manifest.secret_with(&file.name, &path, "", json!({"format": file.format}));
    }
    let path = world.path_with_plugin();
    let said = world.run_with(&manifest, |command| command.env("PATH", path));
    assert_eq!(said.code, Some(0), "{key}: {said:?}");
    let fault = |file: &Whole| {
        let installed = fs::read(world.path(&format!("/run/secrets.d/1/{}", file.name))).unwrap();
        (installed != file.plain).then(|| {
            let (ours, sops) = (installed.escape_ascii(), file.plain.escape_ascii());
            format!("{} by {key}\n  ours: {ours}\n  sops: {sops}", file.name)
        })
    };
    files.iter().filter_map(fault).collect()
}

#[test]
fn whole_files_of_all_formats_and_versions_install_as_sops_decrypts_them() {
    let files = files_by_key();
    let count: usize = files.values().map(Vec::len).sum();
    assert!(files.len() >= 9 && count > 250, "only {count} files of {} keys", files.len());
    let faults: Vec<_> = files.iter().flat_map(|(key, files)| faults_of(key, files)).collect();
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
            // A manifest cannot name a key whose name is empty.
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
        // sops prints a line break after numbers, booleans and times of YAML files. This line break is no part of the value.
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

/// sops 1.x was another program, written in Python. sops 3 refuses its files because they lack fields that decryption does not
/// need.
#[test]
fn files_of_sops_1_install() {
    let Some(world) = World::system() else { return };
    let Some(manifest) = with_key(&world, "pgp.asc") else {
        return crate::common::say("skipped: gpg is missing");
    };
    let [yaml, json] = ["sops-1.3.yaml", "sops-1.3.json"].map(|name| world.fixture(&format!("others/{name}")));
    world.install(&manifest.secret("yaml", &yaml, "nested/n").secret("json", &json, "n/b"));
    assert_eq!(
        ["yaml", "json"].map(|name| world.read(&format!("/run/secrets/{name}"))),
        ["5", "2"]
    );
}

/// The files of rops have no version, and a time without quotes.
#[test]
fn a_file_in_the_spelling_of_rops_installs() {
    let Some(world) = World::system() else { return };
    let text = fs::read_to_string(world.fixture("nesting.yaml")).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("version:"));
    let unquoted = |line: &str| {
        if line.trim_start().starts_with("lastmodified:") {
            line.replace('"', "")
        } else {
            line.to_owned()
        }
    };
    let lines: Vec<_> = lines.map(unquoted).collect();
    let file = world.write("rops.yaml", lines.join("\n") + "\n");
    world.install(&world.manifest().secret("a", &file, "database/host"));
    assert_eq!(world.read("/run/secrets/a"), "db.example.org");
}
