//! Tests of the comparison with the live generation.

use super::*;

/// The lines about changes of a second publication.
fn lines(first: &[Entry<'_>], second: &[Entry<'_>]) -> Vec<String> {
    let world = World::new();
    world.publish(first).unwrap();
    let seen = Preview::of(&world.site, second).unwrap();
    let published = world.publish(second).unwrap();
    assert_eq!(seen.changes, published.changes, "the dry run says what the real run says");
    published.changes.lines(false)
}

#[test]
fn added_modified_and_removed_are_told_apart() {
    let first = [
        secret("gone", b"1"),
        secret("kept", b"2"),
        secret("b/new", b"3"),
        template("old", b"4"),
    ];
    let second = [
        secret("z", b"1"),
        secret("b/new", b"5"),
        secret("kept", b"2"),
        secret("c", b"1"),
        template("t", b"4"),
    ];
    assert_eq!(
        lines(&first, &second),
        [
            "adding secrets: c, z",
            "modifying secret: b/new",
            "removing secret: gone",
            "adding rendered secret: t",
            "removing rendered secret: old",
        ]
    );
}

#[test]
fn nothing_changes_when_nothing_changed() {
    let entries = || [secret("a", b"x"), secret("empty", b""), template("t", b"y")];
    assert!(lines(&entries(), &entries()).is_empty());
}

#[test]
fn content_is_compared_to_the_last_byte_and_across_chunks() {
    let long = vec![7_u8; 3 * 64 * 1024 + 5];
    let mut last = long.clone();
    *last.last_mut().unwrap() = 8;
    let mut middle = long.clone();
    middle[64 * 1024] = 8;
    let longer = [&long[..], b"7"].concat();
    assert!(lines(&[secret("a", &long)], &[secret("a", &long)]).is_empty());
    for other in [&last, &middle, &longer, &Vec::new()] {
        assert_eq!(lines(&[secret("a", &long)], &[secret("a", other)]), ["modifying secret: a"]);
        assert_eq!(lines(&[secret("a", other)], &[secret("a", &long)]), ["modifying secret: a"]);
    }
}

#[test]
fn a_change_of_mode_alone_modifies() {
    assert_eq!(
        lines(
            &[secret("a", b"x")],
            &[Entry {
                mode: FileMode::of_bits(0o440),
                ..secret("a", b"x")
            }]
        ),
        ["modifying secret: a"]
    );
}

#[test]
fn a_change_of_owner_or_group_alone_modifies() {
    if !is_root("a_change_of_owner_or_group_alone_modifies") {
        return;
    }
    let of = |uid, gid| {
        [Entry {
            owner: owned(uid, gid),
            ..secret("a", b"x")
        }]
    };
    assert!(lines(&of(1, 2), &of(1, 2)).is_empty());
    assert_eq!(lines(&of(1, 2), &of(3, 2)), ["modifying secret: a"]);
    assert_eq!(lines(&of(1, 2), &of(1, 3)), ["modifying secret: a"]);
}

#[test]
fn a_secret_may_become_a_directory_and_come_back() {
    assert_eq!(
        lines(&[secret("a", b"x")], &[secret("a/b", b"x")]),
        ["adding secret: a/b", "removing secret: a"]
    );
    assert_eq!(
        lines(&[secret("a/b", b"x")], &[secret("a", b"x")]),
        ["modifying secret: a", "removing secret: a/b"]
    );
}

#[test]
fn links_inside_a_generation_are_no_secrets() {
    let world = World::new();
    let entry = || {
        [Entry {
            path: Some(world.site.link.join("other")),
            ..secret("a", b"x")
        }]
    };
    world.publish(&entry()).unwrap();
    assert!(Preview::of(&world.site, &entry()).unwrap().changes.lines(false).is_empty());
    assert!(
        Preview::of(&world.site, &[secret("a", b"x")])
            .unwrap()
            .changes
            .lines(false)
            .is_empty()
    );
    // A secret counts as new if there was a symlink in its place.
    let lines = Preview::of(&world.site, &[secret("a", b"x"), secret("other", b"x")])
        .unwrap()
        .changes
        .lines(false);
    assert_eq!(lines, ["adding secret: other"]);
}

#[test]
fn a_dry_run_makes_nothing() {
    let world = World::new();
    let path = world.top.join("home/file");
    let entries = || {
        [Entry {
            path: Some(path.clone()),
            ..secret("a", b"x")
        }]
    };
    let seen = Preview::of(&world.site, &entries()).unwrap();
    assert!(!seen.is_live && seen.changes == Changes::default());
    assert!(world.tree("").is_empty());
    world.publish(&entries()).unwrap();
    let before = world.tree("");
    let seen = Preview::of(&world.site, &[secret("a", b"y")]).unwrap();
    assert!(seen.is_live);
    assert_eq!(seen.changes.lines(true), ["would modify secret: a"]);
    assert_eq!(world.tree(""), before);
}

#[test]
fn units_of_what_changed_are_collected_once_and_in_order() {
    let world = World::new();
    let (ab, bc, d) = (units(&["a", "b"]), units(&["b", "c", "a"]), units(&["d"]));
    let entries = |x: &'static [u8]| {
        [
            Entry {
                restart_units: &bc,
                ..secret("one", x)
            },
            Entry {
                restart_units: &ab,
                reload_units: &d,
                ..template("two", x)
            },
            Entry {
                restart_units: &d,
                ..secret("same", b"s")
            },
        ]
    };
    let first = world.publish(&entries(b"1")).unwrap();
    assert!(first.changes.units.is_empty(), "no request at the first publication");
    let second = world.publish(&entries(b"2")).unwrap();
    assert_eq!(second.changes.units.restart, ["b", "c", "a"]);
    assert_eq!(second.changes.units.reload, ["d"]);
}
