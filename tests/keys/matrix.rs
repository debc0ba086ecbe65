//! Tests that every kind of key opens files in every format: files for the key alone, files with other recipients, and files with
//! key groups.

use std::fs;
use std::path::{Path, PathBuf};

use crate::FORMATS;
use crate::host::Host;
use crate::kind::{KINDS, Kind};

/// The content that sops decrypts from a file.
fn decrypted(file: &Path) -> Vec<u8> {
    fs::read(format!("{}.decrypted", file.display())).unwrap()
}

/// Installs these files on a host. Returns the files whose published content is not what sops decrypts.
fn faults(kind: Kind, host: &Host, files: &[PathBuf]) -> Vec<String> {
    let Some(host) = host.ready() else { return vec![] };
    let host = host.with_files(files);
    let said = host.run();
    assert_eq!(said.code, Some(0), "{kind:?}: {said:?}");
    let is_fault = |file: &&PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap();
        host.published(name) != Some(decrypted(file))
    };
    let faults = files.iter().filter(is_fault);
    faults.map(|file| format!("{kind:?}: {}", file.display())).collect()
}

#[test]
fn every_kind_of_key_opens_what_is_for_it_in_every_format_also_among_recipients_that_are_elsewhere() {
    let faults: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| faults(*kind, &kind.right(), &kind.files()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_kind_of_key_opens_its_group_and_two_groups_of_three_open_the_file() {
    let faults: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| {
            let partner = kind.partner().map_or_else(Host::new, Kind::right);
            let files = FORMATS.map(|format| kind.groups(format));
            faults(*kind, &kind.right().and(partner), &files)
        })
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn one_group_of_three_does_not_open_the_file() {
    for kind in KINDS.iter().filter(|kind| kind.partner().is_some()) {
        let Some(host) = kind.right().ready() else { continue };
        let files = FORMATS.map(|format| kind.groups(format));
        let said = host.with_files(&files).run_dry();
        assert_eq!(said.code, Some(1), "{kind:?}: {said:?}");
        let told = said
            .err
            .matches("  this file needs 2 of 3 key groups; this host opens 1: group ")
            .count();
        assert_eq!(told, FORMATS.len(), "{kind:?}: {}", said.err);
    }
}
