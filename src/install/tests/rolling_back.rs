//! Tests of rollbacks.

use super::*;
use crate::install::{DeclaredFile, PlaceInGeneration, possible_rollback, roll_back};

/// A world with two generations: in the older one, `a` has another content, and `b` is missing.
fn two() -> World {
    let mut world = World::new();
    world.site.keep_generations = 3;
    world.publish(&[secret("a", b"old")]).unwrap();
    world.publish(&[secret("a", b"new"), secret("b", b"x")]).unwrap();
    world
}

fn roll(world: &World, agreed: &crate::install::Rollback, names: &[EntryName]) -> Result<(), String> {
    let done = roll_back(&world.site, &declared(names), agreed, &Channel::Nobody);
    done.map(|_| ()).map_err(|failed| failed.errors[0].to_string())
}

fn declared(names: &[EntryName]) -> Vec<DeclaredFile<'_>> {
    let file = |name| DeclaredFile {
        place: PlaceInGeneration::of_secret(name),
        restart_units: &[],
        reload_units: &[],
        watch_file: None,
    };
    names.iter().map(file).collect()
}

fn names() -> Vec<EntryName> {
    ["a", "b"].map(|name| EntryName::new(name).unwrap()).to_vec()
}

#[test]
fn what_the_older_generation_lacks_is_known_before() {
    let (world, names) = (two(), names());
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    assert_eq!(
        (rollback.from, rollback.to, rollback.lacking.as_slice()),
        (2, 1, &["b".to_owned()][..])
    );
    roll(&world, &rollback, &names).unwrap();
    assert_eq!(world.read("a"), "old");
}

#[test]
fn a_rollback_that_was_agreed_before_another_run_is_refused() {
    let (world, names) = (two(), names());
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    world.publish(&[secret("a", b"newest")]).unwrap();
    let refused = roll(&world, &rollback, &names).unwrap_err();
    assert!(refused.starts_with("another run has changed what is installed"), "{refused}");
    assert_eq!(world.read("a"), "newest");
}

#[test]
fn a_run_after_a_rollback_replaces_the_generation_before() {
    let (world, names) = (two(), names());
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    roll(&world, &rollback, &names).unwrap();
    world.publish(&[secret("a", b"other")]).unwrap();
    assert_eq!(world.target(), world.site.generation(2));
    assert_eq!(world.read("a"), "other");
    let back = possible_rollback(&world.site, &declared(&names)).unwrap();
    assert_eq!((back.from, back.to), (2, 1));
}

#[test]
fn a_rollback_writes_the_watch_files_of_what_is_there() {
    let (world, names) = (two(), names());
    let watches = ["a", "b"].map(|name| world.top.join(format!("watch-{name}")));
    let mut declared = declared(&names);
    for (file, watch) in declared.iter_mut().zip(&watches) {
        file.watch_file = Some(watch.clone());
    }
    let rollback = possible_rollback(&world.site, &declared).unwrap();
    let done = roll_back(&world.site, &declared, &rollback, &Channel::Nobody).unwrap();
    assert!(done.failures.is_empty(), "{:?}", done.failures);
    let inode = fs::metadata(world.site.generation(1).join("a")).unwrap().ino();
    let written = fs::read_to_string(&watches[0]).unwrap();
    assert!(
        written.starts_with(&format!("sops-install-secrets file {inode} ")),
        "{written}"
    );
    assert!(!watches[1].exists(), "the older generation lacks it");
}
