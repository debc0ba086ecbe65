//! Tests of symlinks at declared paths, and of obstacles there.

use std::os::unix::fs::{chown, lchown, symlink};

use super::*;

/// One secret with a declared path.
fn at(path: &Path) -> [Entry<'static>; 1] {
    [Entry {
        path: Some(path.to_owned()),
        ..secret("a", b"x")
    }]
}

#[test]
fn a_declared_path_becomes_a_link_and_its_parents_are_made() {
    let world = World::new();
    let path = world.top.join("etc/app/key");
    world.publish(&at(&path)).unwrap();
    assert_eq!(world.tree("etc"), ["etc/app/ 755", "etc/app/key -> secrets/a"]);
    world.publish(&at(&path)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    assert_eq!(world.tree("etc"), ["etc/app/ 755", "etc/app/key -> secrets/a"]);
}

#[test]
fn templates_are_linked_too() {
    let world = World::new();
    let path = world.top.join("app.conf");
    world
        .publish(&[Entry {
            path: Some(path.clone()),
            ..template("t", b"rendered")
        }])
        .unwrap();
    assert_eq!(fs::read_link(&path).unwrap(), world.site.link.join("rendered/t"));
}

#[test]
fn its_own_place_needs_no_link() {
    let world = World::new();
    let entries = [
        Entry {
            path: Some(world.site.link.join("d/a")),
            ..secret("d/a", b"x")
        },
        Entry {
            path: Some(world.site.link.join("rendered/t")),
            ..template("t", b"x")
        },
    ];
    world.publish(&entries).unwrap();
    assert!(
        !world
            .tree("")
            .iter()
            .any(|line| line.contains("->") && !line.starts_with("secrets ")),
        "{:?}",
        world.tree("")
    );
}

#[test]
fn a_path_inside_the_published_tree_survives_every_later_run() {
    let world = World::new();
    let entries = || {
        [Entry {
            path: Some(world.site.link.join("deep/foo-key")),
            ..secret("fooKey", b"x")
        }]
    };
    for generation in 1..=3 {
        world.publish(&entries()).unwrap();
        assert_eq!(world.read("deep/foo-key"), "x");
        assert_eq!(
            world.tree(&format!("secrets.d/{generation}")),
            [
                format!("secrets.d/{generation}/deep/ 751"),
                format!("secrets.d/{generation}/deep/foo-key -> secrets/fooKey"),
                format!("secrets.d/{generation}/fooKey 400"),
            ]
        );
    }
}

#[test]
fn another_symlink_is_replaced() {
    let world = World::new();
    let path = world.top.join("key");
    symlink("/nowhere", &path).unwrap();
    world.publish(&at(&path)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    assert_eq!(world.tree("").iter().filter(|line| line.contains("key")).count(), 1);
}

#[test]
fn an_existing_file_is_moved_aside_with_a_message() {
    let world = World::new();
    let path = world.top.join("key");
    for round in ["key.sops-backup", "key.sops-backup.1", "key.sops-backup.2"] {
        let _ = fs::remove_file(&path);
        fs::write(&path, round).unwrap();
        let published = world.publish(&at(&path)).unwrap();
        let backup = world.top.join(round);
        assert_eq!(fs::read_to_string(&backup).unwrap(), round);
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        let told = published
            .warnings
            .iter()
            .any(|warning| warning.contains(&format!(" was moved to {}, ", backup.display())));
        assert!(told, "{:?}", published.warnings);
    }
}

#[test]
fn a_file_that_cannot_be_moved_aside_stays() {
    let world = World::new();
    let path = world.top.join("home/key");
    fs::create_dir(world.top.join("home")).unwrap();
    fs::write(&path, "kept").unwrap();
    fs::write(world.top.join("home/key.sops-backup"), "").unwrap();
    for number in 1..10_000 {
        fs::write(world.top.join(format!("home/key.sops-backup.{number}")), "").unwrap();
    }
    let published = world.publish(&at(&path)).unwrap();
    let shown = published.failures[0].to_string();
    assert!(shown.contains("cannot move aside") && shown.contains("home/key"), "{shown}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    assert_eq!(fs::read_dir(world.top.join("home")).unwrap().count(), 10_001);
}

#[test]
fn a_file_with_the_longest_name_is_moved_aside_too() {
    let world = World::new();
    let path = world.top.join("n".repeat(255));
    fs::write(&path, "kept").unwrap();
    let published = world.publish(&at(&path)).unwrap();
    assert!(published.failures.is_empty(), "{:?}", published.failures);
    let backup = format!("{}.sops-backup", "n".repeat(255 - ".sops-backup".len()));
    assert_eq!(fs::read_to_string(world.top.join(backup)).unwrap(), "kept");
    assert_eq!(fs::read_to_string(&path).unwrap(), "x");
}

#[test]
fn a_directory_there_stops_the_run_before_the_first_write() {
    let world = World::new();
    let (one, two) = (world.top.join("one"), world.top.join("two"));
    world.publish(&[secret("a", b"old")]).unwrap();
    fs::create_dir(&one).unwrap();
    fs::create_dir(&two).unwrap();
    let before = world.tree("");
    let entries = [at(&one), at(&two)].into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(Preview::of(&world.site, &entries).unwrap().failures.len(), 2);
    let error = world.publish(&entries).unwrap_err();
    assert!(
        error.contains(&format!("cannot link {}: a directory is there", one.display())),
        "{error}"
    );
    assert!(
        error.contains(&format!("cannot link {}: a directory is there", two.display())),
        "{error}"
    );
    assert_eq!(world.tree(""), before);
}

#[test]
fn at_the_first_publication_a_directory_there_costs_only_that_link() {
    let world = World::new();
    let path = world.top.join("one");
    fs::create_dir(&path).unwrap();
    let published = world.publish(&at(&path)).unwrap();
    assert_eq!(published.failures.len(), 1);
    assert_eq!(world.read("a"), "x");
    assert!(world.tree("one").is_empty());
}

#[test]
fn a_path_that_climbs_or_names_the_link_is_refused() {
    let world = World::new();
    world.publish(&[secret("a", b"old")]).unwrap();
    symlink(&world.top, world.top.join("alias")).unwrap();
    for path in ["relative/x", "/"] {
        assert!(world.publish(&at(Path::new(path))).is_err(), "{path}");
    }
    for path in ["secrets/../x", "x/../../x", "secrets", "x/.."] {
        assert!(world.publish(&at(&world.top.join(path))).is_err(), "{path}");
    }
    let refused = world.publish(&at(&world.top.join("alias/secrets"))).unwrap_err();
    assert!(refused.contains("which this program itself needs"), "{refused}");
    assert_eq!(world.read("a"), "old");
}

#[test]
fn a_symlink_that_leads_back_out_of_the_published_tree_is_refused() {
    let world = World::new();
    world.publish(&[secret("a", b"old")]).unwrap();
    symlink(world.site.link.join("../out"), world.top.join("detour")).unwrap();
    let refused = world.publish(&at(&world.top.join("detour/key"))).unwrap_err();
    assert!(refused.contains("which this program itself needs"), "{refused}");
    assert_eq!(world.tree("secrets.d"), ["secrets.d/1/ 751", "secrets.d/1/a 400"]);
}

#[test]
fn a_symlink_through_a_missing_directory_and_up_again_is_refused() {
    for (target, path) in [
        ("missing/../secrets", "odd/rendered/t"),
        ("missing/../secrets.d", "odd/.lock"),
        ("missing/../secrets/../out", "odd/key"),
        ("missing/deeper/../../real", "odd/key"),
    ] {
        let world = World::new();
        fs::create_dir(world.top.join("real")).unwrap();
        world.publish(&[template("t", b"old")]).unwrap();
        symlink(target, world.top.join("odd")).unwrap();
        let before = world.tree("");
        let declared = Entry {
            path: Some(world.top.join(path)),
            ..template("t", b"new")
        };
        let refused = world.publish(&[declared]).unwrap_err();
        let missing = world.top.join("missing");
        assert!(
            refused.contains(&format!("{}, which does not exist", missing.display())),
            "{target}: {refused}"
        );
        assert_eq!(world.tree(""), before, "{target}");
        assert_eq!(world.read("rendered/t"), "old", "{target}");
    }
}

#[test]
fn two_entries_cannot_meet_behind_a_missing_directory() {
    let world = World::new();
    fs::create_dir(world.top.join("real")).unwrap();
    symlink("missing/../real", world.top.join("odd")).unwrap();
    let [first] = at(&world.top.join("odd/key"));
    let second = Entry {
        path: Some(world.top.join("real/key")),
        ..secret("b", b"y")
    };
    let published = world.publish(&[first, second]).unwrap();
    assert_eq!(published.failures.len(), 1, "{:?}", published.failures);
    assert_eq!(world.tree("real"), ["real/key -> secrets/b"]);
    assert!(!world.top.join("missing").exists());
}

#[test]
fn a_detour_to_the_own_place_is_no_obstacle() {
    let world = World::new();
    symlink(&world.top, world.top.join("alias")).unwrap();
    for _ in 0..2 {
        let published = world.publish(&at(&world.top.join("alias/secrets/a"))).unwrap();
        assert!(published.failures.is_empty(), "{:?}", published.failures);
        assert_eq!(world.read("a"), "x");
    }
    assert_eq!(world.tree("secrets.d"), ["secrets.d/2/ 751", "secrets.d/2/a 400"]);
}

#[test]
fn symlinks_of_root_and_of_the_caller_are_followed() {
    let world = World::new();
    fs::create_dir(world.top.join("real")).unwrap();
    symlink("real", world.top.join("relative")).unwrap();
    symlink(world.top.join("relative/../relative"), world.top.join("absolute")).unwrap();
    let path = world.top.join("absolute/new/key");
    world.publish(&at(&path)).unwrap();
    assert_eq!(world.tree("real"), ["real/new/ 755", "real/new/key -> secrets/a"]);
}

#[test]
fn a_loop_of_symlinks_ends() {
    let world = World::new();
    symlink("two", world.top.join("one")).unwrap();
    symlink("one", world.top.join("two")).unwrap();
    let published = world.publish(&at(&world.top.join("one/key"))).unwrap();
    assert!(
        published.failures[0].to_string().contains("one/key"),
        "{:?}",
        published.failures
    );
}

#[test]
fn a_file_among_the_parents_is_named() {
    let world = World::new();
    fs::write(world.top.join("file"), "").unwrap();
    let published = world.publish(&at(&world.top.join("file/key"))).unwrap();
    let shown = published.failures[0].to_string();
    assert!(
        shown.contains(&format!(
            "{} is not a directory; move it away",
            world.top.join("file").display()
        )),
        "{shown}"
    );
}

#[test]
fn a_symlink_of_another_user_is_not_followed_out_of_their_directories() {
    if !is_root("a_symlink_of_another_user_is_not_followed_out_of_their_directories") {
        return;
    }
    let world = World::new();
    fs::create_dir(world.top.join("precious")).unwrap();
    let trap = world.top.join("trap");
    symlink(world.top.join("precious"), &trap).unwrap();
    lchown(&trap, Some(1234), Some(1234)).unwrap();
    let published = world.publish(&at(&trap.join("sub/key"))).unwrap();
    let shown = published.failures[0].to_string();
    assert!(
        shown.contains(&format!("on the way, {} is a symlink", trap.display())) && shown.contains("uid 1234"),
        "{shown}"
    );
    assert!(world.tree("precious").is_empty());
}

#[test]
fn a_symlink_of_another_user_is_followed_to_a_directory_of_theirs() {
    if !is_root("a_symlink_of_another_user_is_followed_to_a_directory_of_theirs") {
        return;
    }
    let world = World::new();
    let (dotfiles, config) = (world.top.join("dotfiles"), world.top.join("config"));
    fs::create_dir(&dotfiles).unwrap();
    chown(&dotfiles, Some(1234), Some(1234)).unwrap();
    symlink("dotfiles", &config).unwrap();
    lchown(&config, Some(1234), Some(1234)).unwrap();
    let published = world.publish(&at(&config.join("app/key"))).unwrap();
    assert!(published.failures.is_empty(), "{:?}", published.failures);
    assert_eq!(world.tree("dotfiles"), ["dotfiles/app/ 755", "dotfiles/app/key -> secrets/a"]);
    // The way must not lead on through a second symlink, which belongs to somebody else.
    let onward = dotfiles.join("onward");
    symlink(&dotfiles, &onward).unwrap();
    lchown(&onward, Some(4321), Some(4321)).unwrap();
    let published = world.publish(&at(&config.join("onward/key"))).unwrap();
    assert!(published.failures[0].to_string().contains("cannot safely reach"));
}

#[test]
fn the_link_belongs_to_the_owner_and_new_parents_to_the_owner_of_the_home() {
    if !is_root("the_link_belongs_to_the_owner_and_new_parents_to_the_owner_of_the_home") {
        return;
    }
    let world = World::new();
    let home = world.top.join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(1000), Some(100)).unwrap();
    let path = home.join(".config/app/key");
    let entries = || {
        [Entry {
            owner: owned(1001, 101),
            ..at(&path).into_iter().next().unwrap()
        }]
    };
    world.publish(&entries()).unwrap();
    let owner = |path: &Path| {
        let metadata = path.symlink_metadata().unwrap();
        (metadata.uid(), metadata.gid())
    };
    assert_eq!(owner(&home.join(".config")), (1000, 100));
    assert_eq!(owner(&home.join(".config/app")), (1000, 100));
    assert_eq!(owner(&path), (1001, 101));
    // If the symlink is there already, but has another owner, it gets its owner back.
    lchown(&path, Some(7), Some(7)).unwrap();
    world.publish(&entries()).unwrap();
    assert_eq!(owner(&path), (1001, 101));
}

#[test]
fn a_link_inside_belongs_to_the_owner() {
    if !is_root("a_link_inside_belongs_to_the_owner") {
        return;
    }
    let world = World::new();
    let path = world.site.link.join("other");
    world
        .publish(&[Entry {
            owner: owned(1001, 101),
            ..at(&path).into_iter().next().unwrap()
        }])
        .unwrap();
    let metadata = path.symlink_metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (1001, 101));
}
