//! The manifest of the README is one that the program takes.

use std::{fs, process::Command};

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
