//! Tests of directories with rights of their own.

use super::*;
use crate::install::{generation::Draft, mount};

fn entries() -> [Entry<'static>; 3] {
    [secret("d/a", b"x"), secret("d/in/b", b"x"), secret("e/c", b"x")]
}

/// A world in which `d` and `d/in` have other modes than all others.
fn world() -> World {
    let mut world = World::new();
    for (name, mode) in [("d", 0o755), ("d/in", 0o700)] {
        let name = EntryName::new(name).unwrap();
        world.site.directories.set(&name, Owner::Caller, FileMode::of_bits(mode));
    }
    world
}

#[test]
fn a_directory_is_closed_until_everything_is_written() {
    let world = world();
    fs::create_dir(&world.site.mount_point).unwrap();
    let root = mount::open(&world.site).unwrap().unwrap();
    let mut draft = Draft::begin(&world.site, &root, 1).unwrap();
    for entry in entries() {
        draft.write(&entry).unwrap();
    }
    let directories = || {
        let tree = world.tree("secrets.d/1");
        tree.into_iter().filter(|line| line.contains("/ ")).collect::<Vec<_>>()
    };
    assert_eq!(
        directories(),
        ["secrets.d/1/d/ 700", "secrets.d/1/d/in/ 700", "secrets.d/1/e/ 751"]
    );
    draft.open_directories().unwrap();
    assert_eq!(
        directories(),
        ["secrets.d/1/d/ 755", "secrets.d/1/d/in/ 700", "secrets.d/1/e/ 751"]
    );
}

#[test]
fn directories_in_which_nothing_lies_are_not_made() {
    let world = world();
    world.publish(&[secret("e/c", b"x")]).unwrap();
    assert!(!world.site.link.join("d").exists());
}

/// Also if the site writes new files in each run.
#[test]
fn a_change_of_the_rights_is_told_and_makes_a_new_generation() {
    for keeps in [false, true] {
        let mut world = world();
        world.site.keeps_unchanged = keeps;
        world.publish(&entries()).unwrap();
        let same = world.publish(&entries()).unwrap();
        assert_eq!((same.is_new, same.changes.directories), (!keeps, Vec::new()));
        let name = EntryName::new("d/in").unwrap();
        world.site.directories.set(&name, Owner::Caller, FileMode::of_bits(0o711));
        let changed = world.publish(&entries()).unwrap();
        assert!(changed.is_new);
        assert_eq!(changed.changes.lines(false), ["modifying directory: d/in"]);
    }
}
