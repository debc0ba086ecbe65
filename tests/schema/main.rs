//! Compares `docs/inspect.schema.json` with what `sops-nix inspect --json` prints. Compares `docs/manifest.schema.json` with the
//! manifests that the modules write, and with the manifests that the real program accepts and refuses.
//!
//! The validator is that of Python (`python3-jsonschema`). A validator in Rust would turn on features of `regex-automata` without
//! which the program is built, and the tests would then run another program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use serde_json::{Map, Value, json};

use common::{Said, World, say};

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A Python that has the validator. The package of a distribution belongs to the distribution's Python, which may not be the first
/// on the search path.
fn python() -> Option<&'static str> {
    let can = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import jsonschema"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(can);
    if python.is_none() {
        say("skipped: needs the package jsonschema of Python");
    }
    python
}

/// The rules of the manifest schema that each manifest breaks. If there is no validator, prints that, and returns `None`.
fn faults(manifests: &[Value]) -> Option<Vec<Vec<String>>> {
    faults_by("docs/manifest.schema.json", manifests)
}

/// The rules of a schema that each value breaks. If there is no validator, prints that, and returns `None`.
fn faults_by(schema: &str, values: &[Value]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new(python()?);
    let script = [project("tests/schema/validate.py"), project(schema)];
    let mut validator = command
        .args(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let mut input = validator.stdin.take().unwrap();
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = validator.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let faults: Vec<Vec<String>> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(faults.len(), values.len());
    Some(faults)
}

/// The manifests that the Nix modules make, the manifests of the fixtures, and the manifest in the README.
fn manifests() -> Vec<(String, Value)> {
    let cases = fs::read_dir(project("tests/nix/expected")).unwrap();
    let directories = cases
        .map(|entry| entry.unwrap().path())
        .chain([project("tests/fixtures/manifests")]);
    let files = directories
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("manifest"));
    let mut manifests: Vec<_> = files
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect();
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let (_, block) = readme.split_once("```json\n").unwrap();
    manifests.push(("README.md".to_owned(), block.split_once("```").unwrap().0.to_owned()));
    manifests
        .into_iter()
        .map(|(name, text)| (name, serde_json::from_str(&text).unwrap()))
        .collect()
}

/// The output of `sops-nix inspect --json` for a file. `None` if the command refuses the file.
fn inspection(path: &Path) -> Option<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sops-nix"));
    let output = command.args(["inspect", "--json"]).arg(path).output().unwrap();
    output
        .status
        .success()
        .then(|| serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn each_inspection_of_a_fixture_follows_the_schema() {
    let files = fs::read_dir(common::fixtures().join("3.13.2")).unwrap();
    let inspections: Vec<_> = files.filter_map(|file| inspection(&file.unwrap().path())).collect();
    assert!(inspections.len() > 20, "only {} inspections", inspections.len());
    let Some(faults) = faults_by("docs/inspect.schema.json", &inspections) else {
        return;
    };
    let broken: Vec<_> = inspections
        .iter()
        .zip(faults)
        .filter(|(_, faults)| !faults.is_empty())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let mut odd = inspections[0].clone();
    odd["mac"] = json!("some");
    assert_ne!(faults_by("docs/inspect.schema.json", &[odd]), Some(vec![Vec::new()]));
}

/// What the cases of `tests/messages/` print as JSON, below a directory that begins with this name.
fn printed(directory: &str) -> Vec<Value> {
    let cases = fs::read_dir(project(&format!("tests/messages/cases/{directory}"))).unwrap();
    let texts = cases.map(|case| fs::read_to_string(case.unwrap().path()).unwrap());
    let texts = texts.filter(|text| text.contains(" --json"));
    texts
        .flat_map(|text| objects_in(text.split_once("-- printed --\n").unwrap().1))
        .collect()
}

/// The JSON objects in a text that has other lines, too: each begins with a line that is only a brace.
fn objects_in(text: &str) -> Vec<Value> {
    let starts = text
        .match_indices("{\n")
        .filter(|(start, _)| *start == 0 || text[..*start].ends_with('\n'));
    starts
        .map(|(start, _)| {
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            values.next().unwrap().unwrap()
        })
        .collect()
}

#[test]
fn what_is_printed_of_a_host_follows_its_schema() {
    // What has to be among the samples: a healthy host has few of the fields.
    let wanted: [(&str, &[&str]); 5] = [
        (
            "status",
            &[
                "\"missing\"",
                "\"absent\"",
                "\"differs\"",
                "\"unlinked\"",
                "\"isMock\":true",
                "\"phase\":\"user\"",
                "\"unit\":null",
                "\"rolledBackFrom\":2",
            ],
        ),
        ("doctor", &["\"configuration\"", "\"key\""]),
        ("explain", &["\"restarted\":[\"app.service\"]"]),
        ("who-reads", &[]),
        ("plan", &["\"failures\":[{", "\"links\":[{"]),
    ];
    for (name, wanted) in wanted {
        let mut values = printed(&format!("sops-nix-host-{name}"));
        if name == "status" {
            values.extend(printed("sops-nix-host-rollback"));
        }
        let text = values.iter().map(ToString::to_string).collect::<String>();
        for part in wanted {
            assert!(text.contains(part), "{name}: no sample has {part}");
        }
        assert!(!values.is_empty(), "{name}");
        let schema = format!("docs/{name}.schema.json");
        let Some(faults) = faults_by(&schema, &values) else { return };
        assert!(faults.iter().all(Vec::is_empty), "{name}: {faults:#?}");
        assert_ne!(faults_by(&schema, &[json!({"odd": 1})]), Some(vec![Vec::new()]), "{name}");
    }
}

#[test]
fn each_manifest_that_the_modules_write_follows_the_schema() {
    let (names, manifests): (Vec<_>, Vec<_>) = manifests().into_iter().unzip();
    assert!(manifests.len() > 100, "only {} manifests", manifests.len());
    let Some(faults) = faults(&manifests) else { return };
    let broken: Vec<_> = names.iter().zip(faults).filter(|(_, faults)| !faults.is_empty()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A manifest without faults.
fn sound() -> Value {
    json!({
        "version": 1,
        "secretsMountPoint": "/run/secrets.d",
        "symlinkPath": "/run/secrets",
        "logging": {},
        "secrets": [{"name": "a", "sopsFile": "/a.yaml", "mode": "0400"}],
        "templates": [{"name": "t", "content": "x", "mode": "0400"}],
    })
}

/// The objects of this manifest, each with the names of its fields in the schema.
fn objects() -> Vec<(&'static str, Vec<String>)> {
    let text = fs::read_to_string(project("docs/manifest.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let fields = |schema: &Value| {
        let fields: &Map<String, Value> = schema["properties"].as_object().unwrap();
        fields.keys().cloned().collect()
    };
    vec![
        ("", fields(&schema)),
        ("/secrets/0", fields(&schema["$defs"]["Secret"])),
        ("/templates/0", fields(&schema["$defs"]["Template"])),
        ("/logging", fields(&schema["$defs"]["Logging"])),
    ]
}

/// Values of every type, and the smallest and largest values that fields allow.
fn values() -> Vec<Value> {
    let numbers = [-1, 0, 1, 2, 86_400, 86_401, 1_048_577, 4_294_967_294, 4_294_967_295_i64];
    let texts = ["", "x", "yaml", "/a", "0400", "07777", "17777"];
    let others = json!([null, true, 1.5, [], ["x"], [5], [null], {}, {"x": "y"}, {"x": 5}, {"x": null}, [{}]]);
    let numbers = numbers.into_iter().map(Value::from);
    numbers
        .chain(texts.into_iter().map(Value::from))
        .chain(others.as_array().unwrap().iter().cloned())
        .collect()
}

/// Changed copies of the manifest without faults: each value in each field, each object with an unknown field, and each object
/// without one of its fields.
fn changed() -> Vec<Value> {
    let mut manifests = vec![sound()];
    for (object, fields) in objects() {
        let change = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut manifest = sound();
            change(manifest.pointer_mut(object).unwrap().as_object_mut().unwrap());
            manifest
        };
        manifests.push(change(&|object| drop(object.insert("other".to_owned(), json!(null)))));
        for field in fields {
            manifests.push(change(&|object| drop(object.remove(&field))));
            let values = values().into_iter();
            manifests.extend(values.map(|value| change(&|object| drop(object.insert(field.clone(), value.clone())))));
        }
    }
    manifests
}

/// Whether the program accepts a manifest. `None` if it refuses the manifest for a reason other than types and names of fields.
fn is_taken(world: &World, manifest: &Value) -> Option<bool> {
    let path = world.write("manifest.json", manifest.to_string());
    let Said { code, err, .. } = world.run_arguments(["-check-mode=manifest".as_ref(), path.as_os_str()]);
    match code {
        Some(0) => Some(true),
        Some(2) => {
            let has_wrong_type = err.contains(" the wrong type") || (err.contains(" must be ") && err.contains(", at line "));
            (has_wrong_type || err.contains(" has the unknown field ")).then_some(false)
        }
        _ => panic!("{manifest}: {err}"),
    }
}

#[test]
fn the_schema_takes_what_the_program_takes_and_refuses_wrong_types_and_unknown_fields() {
    let manifests = changed();
    let Some(faults) = faults(&manifests) else { return };
    let world = World::user();
    let (mut taken, mut refused) = (0, 0);
    for (manifest, faults) in manifests.iter().zip(faults) {
        let Some(is_taken) = is_taken(&world, manifest) else {
            continue;
        };
        assert_eq!(is_taken, faults.is_empty(), "{manifest}: {faults:?}");
        *if is_taken { &mut taken } else { &mut refused } += 1;
    }
    assert!(taken > 200 && refused > 500, "{taken} taken, {refused} refused");
}
