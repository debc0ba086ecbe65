//! Tests of rollbacks.

use super::*;
use crate::install::{
    DeclaredFile, PlaceInGeneration, live_record, possible_rollback,
    published_entries::PublishedEntries,
    record::{self, Deeds},
    roll_back,
};

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
        kind: EntryKind::Secret,
        name,
        path: None,
        at_path: AtPath::Link,
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

/// The generation before the live one was made when only one was kept.
#[test]
fn the_generation_that_was_live_when_more_are_kept_is_complete() {
    let (mut world, names) = (World::new(), names());
    world.publish(&[secret("a", b"old")]).unwrap();
    world.site.keep_generations = 2;
    world.publish(&[secret("a", b"new")]).unwrap();
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    roll(&world, &rollback, &names).unwrap();
    assert_eq!(world.read("a"), "old");
}

#[test]
fn what_was_removed_and_would_be_there_again_is_known_before() {
    let (mut world, names) = (World::new(), names());
    world.site.keep_generations = 2;
    world.publish(&[secret("a", b"x"), secret("revoked", b"y")]).unwrap();
    world.publish(&[secret("a", b"x"), secret("b", b"z")]).unwrap();
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    assert_eq!(
        (rollback.lacking, rollback.returning),
        (vec!["b".to_owned()], vec!["revoked".to_owned()])
    );
}

/// The number of a generation comes again after a rollback. Whoever watches the phase hears of each.
#[test]
fn watchers_hear_of_another_generation_with_the_same_number() {
    let (mut world, names) = (two(), names());
    let watch = world.top.join("watch");
    world.site.watch_file = Some(watch.clone());
    world.publish(&[secret("a", b"newer")]).unwrap();
    let third = fs::read_to_string(&watch).unwrap();
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    roll(&world, &rollback, &names).unwrap();
    // As if the rollback had been killed before it told anybody.
    fs::write(&watch, &third).unwrap();
    world.publish(&[secret("a", b"newest")]).unwrap();
    assert_eq!(world.target(), world.site.generation(3));
    assert_ne!(fs::read_to_string(&watch).unwrap(), third);
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

/// A rollback waits for a run, which tells its units after it has published, and keeps its record last.
#[test]
fn a_run_that_is_recorded_late_does_not_hide_a_rollback() {
    let (world, names) = (two(), names());
    let changes = Changes::default();
    let deeds = Deeds {
        manifest: Path::new("/m.json"),
        published: Some(PublishedEntries {
            may_be_completed: false,
            generation: 2,
            is_new: true,
            is_first: false,
            changes: &changes,
            entries: &[],
        }),
        failures: Vec::new(),
        absent: std::collections::BTreeSet::new(),
        deferred: std::collections::BTreeSet::new(),
    };
    record::keep(&world.site, &deeds).unwrap();
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    roll(&world, &rollback, &names).unwrap();
    let text = || fs::read_to_string(world.site.mount_point.join(record::NAME)).unwrap();
    let told = text();
    assert!(told.contains("rollback"), "{told}");
    record::keep(&world.site, &deeds).unwrap();
    assert_eq!(text(), told);
}

/// The unit that asks key services waits for the network, and a rollback may come before it.
#[test]
fn what_was_deferred_before_a_rollback_does_not_come_over_it() {
    let (world, names) = (two(), names());
    let deeds = Deeds {
        manifest: Path::new("/m.json"),
        published: None,
        failures: Vec::new(),
        absent: std::collections::BTreeSet::new(),
        deferred: ["late".to_owned()].into(),
    };
    record::keep(&world.site, &deeds).unwrap();
    let rollback = possible_rollback(&world.site, &declared(&names)).unwrap();
    roll(&world, &rollback, &names).unwrap();
    assert_eq!(live_record::rolled_back_to(&world.site), Some(1));
    // A run after it has deferred something again.
    record::keep(&world.site, &deeds).unwrap();
    assert_eq!(live_record::rolled_back_to(&world.site), None);
}
