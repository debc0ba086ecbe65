//! Tests that make the memory disk of macOS, with stand-ins for its programs. On Linux they mount a ramfs.

use super::*;
use crate::system::{memory::is_memory_disk, stop};

/// A world with a memory disk, and with stand-ins for the programs of macOS. `group` is as in [`Store::Mounted`].
fn mac(group: Option<Gid>) -> World {
    let mut world = World::with(Store::Mounted {
        file_system: FileSystem::MemoryDisk,
        group,
    });
    world.site.root = Root::new(&world.top);
    for program in ["usr/bin/hdiutil", "sbin/newfs_hfs", "sbin/mount"] {
        let stand_in = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/macos/stand-ins")
            .join(program);
        let place = world.top.join(program);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(stand_in, place).unwrap();
    }
    world
}

/// The programs that were called, with their arguments.
fn calls(world: &World) -> Vec<String> {
    let calls = fs::read_to_string(world.top.join("calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

/// Writes `new` in the place of `old` in the stand-in for hdiutil.
fn change(world: &World, old: &str, new: &str) {
    let path = world.top.join("usr/bin/hdiutil");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old));
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

const ATTACH: &str = "hdiutil attach -nomount ram://131072";
const FORMAT: &str = "newfs_hfs -s /dev/disk4";
const MOUNT: &str = "mount -t hfs -o nobrowse,nodev,nosuid,noexec /dev/disk4 /secrets.d";
const DETACH: &str = "hdiutil detach /dev/disk4 -force";
const INFO: &str = "hdiutil info";

#[test]
fn a_memory_disk_is_made_once() {
    if !in_namespace("memory_disk::a_memory_disk_is_made_once") {
        return;
    }
    let world = mac(Some(Gid::from_raw(5)));
    for content in ["x", "y", "z"] {
        let published = world.publish(&[secret("a", content.as_bytes())]).unwrap();
        assert!(published.warnings.is_empty(), "{:?}", published.warnings);
        assert_eq!(world.read("a"), content);
    }
    assert_eq!(calls(&world), [ATTACH, FORMAT, MOUNT, INFO]);
    let metadata = world.site.mount_point.metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (0, 5, 0o751));
    // Nobody else can read the disk itself.
    for device in ["disk4", "rdisk4"] {
        let metadata = world.top.join("dev").join(device).metadata().unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o600, "{device}");
    }
    // sops-nix recognizes the disk by this file as well.
    let mark = world.site.mount_point.join("sops-nix-secretfs");
    let metadata = mark.metadata().unwrap();
    assert_eq!((metadata.len(), metadata.mode() & 0o7777), (0, 0o600));
    // And this program, by what macOS says of the file system there.
    let dir = fs::File::open(&world.site.mount_point).unwrap();
    for (kind, expected) in [("hfs", true), ("apfs", false), ("hfsx", false), ("hf", false), ("", false)] {
        assert_eq!(
            is_memory_disk(&dir, format!("{kind}\0\0").as_bytes()).unwrap(),
            expected,
            "{kind}"
        );
    }
    fs::remove_file(mark).unwrap();
    assert!(!is_memory_disk(&dir, b"hfs\0").unwrap());
}

#[test]
fn the_memory_disk_of_a_user_belongs_to_the_user() {
    if !in_namespace("memory_disk::the_memory_disk_of_a_user_belongs_to_the_user") {
        return;
    }
    let world = mac(None);
    world.publish(&[secret("a", b"x")]).unwrap();
    let metadata = world.site.mount_point.metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (geteuid().as_raw(), 0o751));
    std::os::unix::fs::chown(&world.site.mount_point, Some(1234), None).unwrap();
    let refused = world.publish(&[secret("a", b"y")]).unwrap_err();
    assert!(refused.contains("belongs to the user with uid 1234"), "{refused}");
    assert_eq!(world.read("a"), "x");
}

#[test]
fn a_memory_disk_that_cannot_be_used_is_removed_again() {
    if !in_namespace("memory_disk::a_memory_disk_that_cannot_be_used_is_removed_again") {
        return;
    }
    let world = mac(Some(Gid::ROOT));
    for (program, called) in [("newfs_hfs", &[ATTACH, DETACH][..]), ("mount", &[ATTACH, FORMAT, DETACH])] {
        let path = world.top.join("sbin").join(program);
        let stand_in = fs::read(&path).unwrap();
        fs::write(&path, "#!/bin/sh\necho \"a first line\nit is broken\" >&2\nexit 1\n").unwrap();
        let refused = world.publish(&[secret("a", b"x")]).unwrap_err();
        let place = world.site.mount_point.display();
        assert_eq!(
            refused,
            format!(
                "cannot make a memory disk for {place}: {program}: it is broken; to see the disks that are attached, run: hdiutil info"
            )
        );
        assert_eq!(calls(&world), called, "{program}");
        assert!(!world.site.link.exists());
        fs::write(&path, stand_in).unwrap();
        fs::remove_file(world.top.join("calls")).unwrap();
    }
    world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(calls(&world), [ATTACH, FORMAT, MOUNT, INFO]);
}

#[test]
fn a_missing_program_of_macos_is_named() {
    if !in_namespace("memory_disk::a_missing_program_of_macos_is_named") {
        return;
    }
    let world = mac(Some(Gid::ROOT));
    let hdiutil = world.top.join("usr/bin/hdiutil");
    fs::remove_file(&hdiutil).unwrap();
    let refused = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(refused.contains(": hdiutil: no such program; "), "{refused}");
    // An answer that names no disk is not used.
    fs::write(&hdiutil, "#!/bin/sh\necho rm -rf /\n").unwrap();
    fs::set_permissions(&hdiutil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refused = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(refused.contains("hdiutil named no disk"), "{refused}");
}

#[test]
fn a_run_that_is_told_to_end_leaves_no_memory_disk() {
    if !in_namespace("memory_disk::a_run_that_is_told_to_end_leaves_no_memory_disk") {
        return;
    }
    stop::listen().unwrap();
    let world = mac(Some(Gid::ROOT));
    script(&world.top.join("sbin/mount"), "kill -TERM $PPID; sleep 60");
    let refused = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(refused.contains("told to end before it changed anything"), "{refused}");
    assert_eq!(calls(&world), [ATTACH, FORMAT, DETACH], "{refused}");
    assert!(!world.top.join("disks/disk4").exists());
}

#[test]
fn a_run_that_is_told_to_end_while_the_disk_is_made_leaves_no_memory_disk() {
    if !in_namespace("memory_disk::a_run_that_is_told_to_end_while_the_disk_is_made_leaves_no_memory_disk") {
        return;
    }
    stop::listen().unwrap();
    let world = mac(Some(Gid::ROOT));
    // The disk is there, and its name is not yet known.
    change(
        &world,
        "    printf '/dev/%s          ",
        "    kill -TERM $PPID; sleep 1\n    printf '/dev/%s          ",
    );
    let refused = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(refused.contains("told to end before it changed anything"), "{refused}");
    assert_eq!(calls(&world), [ATTACH, DETACH]);
    assert!(!world.top.join("disks/disk4").exists());
}

#[test]
fn an_empty_disk_that_a_killed_run_has_left_is_removed() {
    if !in_namespace("memory_disk::an_empty_disk_that_a_killed_run_has_left_is_removed") {
        return;
    }
    let world = mac(Some(Gid::ROOT));
    let attach = || {
        let hdiutil = world.top.join("usr/bin/hdiutil");
        let mut command = std::process::Command::new(hdiutil);
        command.args(["attach", "-nomount", "ram://131072"]).output().unwrap();
    };
    let aged = |disk: &str| {
        let device = fs::OpenOptions::new()
            .append(true)
            .open(world.top.join("dev").join(disk))
            .unwrap();
        device
            .set_modified(std::time::SystemTime::now() - Duration::from_hours(1))
            .unwrap();
    };
    // An empty disk, one that somebody has written to, and one that was only just made.
    for _ in 0..3 {
        attach();
    }
    fs::OpenOptions::new()
        .write(true)
        .open(world.top.join("dev/disk5"))
        .unwrap()
        .write_all(b"x")
        .unwrap();
    aged("disk4");
    aged("disk5");
    fs::remove_file(world.top.join("calls")).unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    let own = [
        ATTACH,
        "newfs_hfs -s /dev/disk7",
        "mount -t hfs -o nobrowse,nodev,nosuid,noexec /dev/disk7 /secrets.d",
        INFO,
        "hdiutil detach /dev/disk4",
    ];
    assert_eq!(calls(&world), own);
    let disks = ["disk4", "disk5", "disk6", "disk7"].map(|disk| world.top.join("disks").join(disk).exists());
    assert_eq!(disks, [false, true, true, true]);
    assert_eq!(world.read("a"), "x");
}

#[test]
fn what_holds_the_memory_of_a_disk_is_not_killed() {
    if !in_namespace("memory_disk::what_holds_the_memory_of_a_disk_is_not_killed") {
        return;
    }
    let world = mac(Some(Gid::ROOT));
    let mark = world.top.join("goes-on");
    let helper = format!("set -eu\n(sleep 1; touch {}) > /dev/null 2>&1 &\n", mark.display());
    change(&world, "set -eu\n", &helper);
    world.publish(&[secret("a", b"x")]).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(mark.exists());
}
