//! Tests of the files of a generation, and of how they are written.

use rustix::{fs::Mode, process::umask};

use super::*;

#[test]
fn the_first_generation_holds_secrets_templates_and_nested_directories() {
    let world = World::new();
    let published = world
        .publish(&[
            Entry {
                mode: FileMode::of_bits(0o440),
                ..secret("a", b"alpha")
            },
            secret("db/main/password", b"nested"),
            secret("db/main/user", b""),
            secret("db/x", b"x"),
            template("app.conf", b"rendered"),
        ])
        .unwrap();
    assert_eq!(published.generation, 1);
    assert!(published.changes.lines(false).is_empty(), "nothing was live before");
    assert_eq!(world.target(), world.site.mount_point.join("1"));
    assert_eq!(
        world.tree("secrets.d"),
        [
            "secrets.d/1/ 751",
            "secrets.d/1/a 440",
            "secrets.d/1/db/ 751",
            "secrets.d/1/db/main/ 751",
            "secrets.d/1/db/main/password 400",
            "secrets.d/1/db/main/user 400",
            "secrets.d/1/db/x 400",
            "secrets.d/1/rendered/ 751",
            "secrets.d/1/rendered/app.conf 400",
        ]
    );
    assert_eq!(world.read("db/main/password"), "nested");
    assert_eq!(world.read("rendered/app.conf"), "rendered");
}

/// The umask belongs to the whole process, so the test needs a process of its own.
#[test]
fn no_umask_narrows_or_widens_a_mode() {
    if !in_namespace("files::no_umask_narrows_or_widens_a_mode") {
        return;
    }
    for mask in [0o000, 0o022, 0o077, 0o777] {
        umask(Mode::from_raw_mode(mask));
        let world = World::new();
        world
            .publish(&[
                Entry {
                    mode: FileMode::of_bits(0o666),
                    ..secret("d/wide", b"x")
                },
                Entry {
                    mode: FileMode::of_bits(0),
                    ..secret("none", b"x")
                },
            ])
            .unwrap();
        assert_eq!(
            world.tree("secrets.d"),
            [
                "secrets.d/1/ 751",
                "secrets.d/1/d/ 751",
                "secrets.d/1/d/wide 666",
                "secrets.d/1/none 0"
            ],
            "umask {mask:o}"
        );
    }
}

#[test]
fn files_and_directories_get_the_declared_owners() {
    if !in_namespace("files::files_and_directories_get_the_declared_owners") {
        return;
    }
    let world = World::with(Store::Mounted {
        file_system: FileSystem::Ramfs,
        group: Some(Gid::from_raw(77)),
    });
    world
        .publish(&[
            Entry {
                owner: owned(1234, 5678),
                mode: FileMode::of_bits(0o4640),
                ..secret("d/theirs", b"x")
            },
            Entry {
                owner: owned(0, 0),
                ..secret("ours", b"x")
            },
        ])
        .unwrap();
    let owner = |path: &str| {
        let metadata = world.site.mount_point.join(path).metadata().unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
    };
    assert_eq!(owner(""), (0, 77, 0o751));
    assert_eq!(owner("1"), (0, 77, 0o751));
    assert_eq!(owner("1/d"), (0, 77, 0o751));
    assert_eq!(owner("1/d/theirs"), (1234, 5678, 0o4640));
    assert_eq!(owner("1/ours"), (0, 0, 0o400));
}

/// Tests the order of the system calls. The file is created without permission bits, gets its owner, gets its mode, and only then
/// is written.
#[test]
fn owner_and_mode_are_set_before_the_first_byte() {
    if std::env::var_os("SOPS_TEST_TRACED").is_some() {
        let world = World::new();
        world
            .publish(&[Entry {
                owner: owned(1234, 5678),
                mode: FileMode::of_bits(0o440),
                ..secret("a", b"plaintext")
            }])
            .unwrap();
        return;
    }
    let test = "files::owner_and_mode_are_set_before_the_first_byte";
    if !is_root(test) {
        return;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        writeln!(std::io::stderr(), "{test}: skipped: needs strace").unwrap();
        return;
    }
    let output = Command::new("strace")
        .args([
            "-f",
            "-e",
            "trace=openat,openat2,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,write,pwrite64",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("install::tests::{test}")])
        .env("SOPS_TEST_TRACED", "1")
        .output()
        .unwrap();
    let trace = String::from_utf8(output.stderr).unwrap();
    let created = trace
        .lines()
        .position(|line| line.contains("\"a\", O_WRONLY|O_CREAT|O_EXCL"))
        .expect(&trace);
    let calls: Vec<_> = trace
        .lines()
        .skip(created)
        .take(4)
        .map(|line| line.split("] ").last().unwrap())
        .collect();
    assert!(calls[0].contains("O_NOFOLLOW|O_CLOEXEC, 000)"), "{calls:?}");
    assert!(
        calls[1].starts_with("fchown(") && calls[1].contains("1234, 5678"),
        "{calls:?}"
    );
    assert!(calls[2].starts_with("fchmod(") && calls[2].contains("0440"), "{calls:?}");
    assert!(calls[3].starts_with("write(") && calls[3].contains("plaintext"), "{calls:?}");
}

#[test]
fn a_left_over_generation_is_replaced_without_following_its_links() {
    let world = World::new();
    let precious = world.top.join("precious");
    fs::create_dir_all(&precious).unwrap();
    fs::write(precious.join("file"), "kept").unwrap();
    let stale = world.site.mount_point.join("1");
    fs::create_dir_all(stale.join("old/deep")).unwrap();
    fs::write(stale.join("old/deep/file"), "gone").unwrap();
    std::os::unix::fs::symlink(&precious, stale.join("a")).unwrap();
    std::os::unix::fs::symlink(&precious, stale.join("old/link")).unwrap();

    world.publish(&[secret("a/file", b"new")]).unwrap();
    assert_eq!(world.tree("secrets.d/1"), ["secrets.d/1/a/ 751", "secrets.d/1/a/file 400"]);
    assert_eq!(fs::read_to_string(precious.join("file")).unwrap(), "kept");
}

#[test]
fn a_left_over_link_in_place_of_a_generation_is_not_followed() {
    let world = World::new();
    fs::create_dir_all(world.top.join("precious")).unwrap();
    fs::create_dir_all(&world.site.mount_point).unwrap();
    std::os::unix::fs::symlink(world.top.join("precious"), world.site.mount_point.join("1")).unwrap();
    world.publish(&[secret("a", b"new")]).unwrap();
    assert!(world.tree("precious").is_empty());
    assert_eq!(world.read("a"), "new");
}

#[test]
fn a_failed_run_leaves_the_live_generation_and_nothing_else() {
    let world = World::new();
    let unit = units(&["a.service"]);
    world.publish(&[secret("a", b"old")]).unwrap();
    let before = world.tree("");
    // `a/b` cannot be made beside the file `a`.
    let broken = [
        Entry {
            restart_units: &unit,
            ..secret("a", b"new")
        },
        secret("a/b", b"x"),
    ];
    let error = world.publish_with_lists(&broken).unwrap_err();
    assert!(
        error.starts_with("cannot make the directory") && error.contains("secrets.d/2/a"),
        "{error}"
    );
    assert_eq!(world.tree(""), before);
    assert_eq!(world.read("a"), "old");
    // An owner that does not exist yet is an error. It must not become a number of all ones, which the kernel takes to mean "leave
    // unchanged".
    let error = world
        .publish(&[Entry {
            owner: Owner::NotYet,
            ..secret("a", b"new")
        }])
        .unwrap_err();
    assert!(error.contains("secrets.d/2/a"), "{error}");
    assert_eq!(world.tree(""), before);
    assert_eq!(world.publish(&[secret("a", b"new")]).unwrap().generation, 2);
}

#[test]
fn a_failed_swap_takes_the_generation_and_its_record_back() {
    if !in_namespace("files::a_failed_swap_takes_the_generation_and_its_record_back") {
        return;
    }
    let world = World::new();
    let unit = units(&["a.service"]);
    world.publish(&[secret("a", b"old")]).unwrap();
    // A mount at the temporary name of the link cannot be moved away.
    let temporary = world.top.join("secrets.sops-new");
    fs::create_dir(&temporary).unwrap();
    rustix::mount::mount("none", &temporary, "tmpfs", rustix::mount::MountFlags::empty(), c"").unwrap();
    let before = world.tree("");
    let error = world
        .publish_with_lists(&[Entry {
            restart_units: &unit,
            ..secret("a", b"new")
        }])
        .unwrap_err();
    assert!(
        error.contains("cannot move aside what is at") && error.contains("busy"),
        "{error}"
    );
    assert_eq!(world.tree(""), before);
    assert_eq!(world.read("a"), "old");
}

#[test]
fn a_place_that_is_too_deep_is_refused_by_name() {
    let world = World::new();
    let place = world.site.link.join(vec!["d"; 150].join("/"));
    let entries = [Entry {
        path: Some(place),
        ..secret("a", b"x")
    }];
    let error = world.publish(&entries).unwrap_err();
    assert!(error.contains("more than 100 parts") && error.contains("d/d/d"), "{error}");
    assert!(world.tree("secrets.d").is_empty());
    let name = vec!["d"; 99].join("/");
    world.publish(&[secret(&name, b"x")]).unwrap();
    world.publish(&[secret(&name, b"y")]).unwrap();
    assert_eq!(world.read(&name), "y");
    assert!(
        !world.site.mount_point.join("1").exists(),
        "what can be written can be pruned"
    );
}
