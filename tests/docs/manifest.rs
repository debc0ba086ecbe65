//! Checks that the documents describe the manifest that the program reads. The program accepts the manifest in the README
//! unchanged, and the tables have the fields of the schema.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use serde_json::Value;

use crate::{found, read};

#[test]
fn the_manifest_of_the_readme_is_taken_as_it_stands() {
    let readme = read("README.md");
    let blocks = found(r"(?s)```json\n(.*?)```", &readme);
    assert_eq!(blocks.len(), 1);
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("manifest.json");
    fs::write(&manifest, blocks[0]).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_sops-install-secrets"));
    let output = program.arg("-check-mode=manifest").arg(manifest).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

/// The fields in the first column of the table below a heading, and the fields that the text before the table names.
fn fields_below(heading: &str, page: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let before = section.split("\n|").next().unwrap();
    let rows = found(r"(?m)^\| (`.*?`) \|", section).into_iter();
    let named = found(r"(?s)^\s*(`.*?) are as for", before).into_iter();
    rows.chain(named)
        .flat_map(|fields| found("`([A-Za-z.]+)`", fields))
        .map(str::to_owned)
        .collect()
}

/// The fields of the schema. The key is the heading of their table.
fn fields_of_schema() -> BTreeMap<&'static str, BTreeSet<String>> {
    let schema: Value = serde_json::from_str(&read("docs/manifest.schema.json")).unwrap();
    let fields = |object: &Value| {
        object["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let kinds = &schema["$defs"];
    let mut top = fields(&schema);
    top.remove("logging");
    top.extend(fields(&kinds["Logging"]).iter().map(|field| format!("logging.{field}")));
    BTreeMap::from([
        ("Top level", top),
        ("Key services", fields(&kinds["KeyServices"])),
        ("A secret", fields(&kinds["Secret"])),
        ("A template", fields(&kinds["Template"])),
        ("A directory", fields(&kinds["Directory"])),
    ])
}

#[test]
fn the_tables_of_the_manifest_have_the_fields_of_the_schema() {
    let page = read("docs/manifest.md");
    for (heading, fields) in fields_of_schema() {
        assert_eq!(fields_below(heading, &page), fields, "{heading}");
    }
}
