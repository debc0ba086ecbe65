//! Tests that really mount the file system of the mount point.

use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    mount::{MountFlags, mount},
};

use super::*;

const TMPFS: Store = Store::Mounted {
    file_system: FileSystem::Tmpfs,
    group: Some(Gid::ROOT),
};

/// The type and the options of each mount at the mount point, from `/proc/self/mounts`. The topmost mount is the last.
fn mounts(world: &World) -> Vec<(String, String)> {
    let mount_point = world.site.mount_point.display().to_string();
    let text = fs::read_to_string("/proc/self/mounts").unwrap();
    text.lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| fields[1] == mount_point)
        .map(|fields| (fields[2].to_owned(), fields[3].to_owned()))
        .collect()
}

/// Whether the mount has the three flags nodev, nosuid and noexec.
fn is_strict(world: &World) -> bool {
    let flags = statvfs(&world.site.mount_point).unwrap().f_flag;
    flags.contains(StatVfsMountFlags::NODEV | StatVfsMountFlags::NOSUID | StatVfsMountFlags::NOEXEC)
}

#[test]
fn a_ramfs_is_mounted_once_and_strictly() {
    if !in_namespace("mounts::a_ramfs_is_mounted_once_and_strictly") {
        return;
    }
    let world = World::with(Store::Mounted {
        file_system: FileSystem::Ramfs,
        group: Some(Gid::from_raw(5)),
    });
    for _ in 0..3 {
        let published = world.publish(&[secret("a", b"x")]).unwrap();
        assert!(published.warnings.is_empty(), "{:?}", published.warnings);
    }
    let mounts = mounts(&world);
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    assert_eq!(mounts[0].0, "ramfs");
    assert!(is_strict(&world), "{mounts:?}");
    let metadata = world.site.mount_point.metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (0, 5, 0o751));
    assert_eq!(world.read("a"), "x");
}

#[test]
fn a_tmpfs_is_mounted_with_noswap_or_says_what_is_lost() {
    if !in_namespace("mounts::a_tmpfs_is_mounted_with_noswap_or_says_what_is_lost") {
        return;
    }
    let world = World::with(TMPFS);
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    let mounts = mounts(&world);
    assert_eq!((mounts.len(), mounts[0].0.as_str()), (1, "tmpfs"));
    assert!(is_strict(&world));
    // A kernel that knows `noswap` must use it.
    let probe = world.top.join("probe");
    fs::create_dir(&probe).unwrap();
    let is_known = mount("none", &probe, "tmpfs", MountFlags::empty(), c"noswap").is_ok();
    assert_eq!(mounts[0].1.contains("noswap"), is_known, "{mounts:?}");
    let warned = published
        .warnings
        .iter()
        .any(|warning| warning.contains("may be written to swap"));
    assert_eq!(warned, !is_known, "{:?}", published.warnings);
}

#[test]
fn an_existing_mount_is_mended_and_not_covered() {
    if !in_namespace("mounts::an_existing_mount_is_mended_and_not_covered") {
        return;
    }
    let world = World::with(Store::Mounted {
        file_system: FileSystem::Ramfs,
        group: Some(Gid::from_raw(5)),
    });
    fs::create_dir(&world.site.mount_point).unwrap();
    mount("none", &world.site.mount_point, "ramfs", MountFlags::empty(), c"mode=0777").unwrap();
    assert!(!is_strict(&world));
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    assert!(published.warnings.is_empty(), "{:?}", published.warnings);
    assert_eq!(mounts(&world).len(), 1);
    assert!(is_strict(&world));
    let metadata = world.site.mount_point.metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (0, 5, 0o751));
}

#[test]
fn a_tmpfs_that_may_be_swapped_is_reported() {
    if !in_namespace("mounts::a_tmpfs_that_may_be_swapped_is_reported") {
        return;
    }
    let world = World::with(RAMFS);
    fs::create_dir(&world.site.mount_point).unwrap();
    mount("none", &world.site.mount_point, "tmpfs", MountFlags::empty(), c"mode=0751").unwrap();
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(published.warnings.len(), 1, "{:?}", published.warnings);
    assert!(published.warnings[0].contains("without noswap, so secrets may be written to swap"));
    assert!(is_strict(&world));
}

#[test]
fn nothing_is_written_to_a_disk_that_is_mounted_there() {
    if !in_namespace("mounts::nothing_is_written_to_a_disk_that_is_mounted_there") {
        return;
    }
    // The temporary directory gets a tmpfs. A directory of the disk is then bound to the mount point. So the mount point is on
    // another device than its parent directory, as a mount is.
    let world = World::with(RAMFS);
    mount("none", &world.top, "tmpfs", MountFlags::empty(), c"").unwrap();
    let disk = TempDir::new_in("/var/tmp").unwrap();
    fs::create_dir(&world.site.mount_point).unwrap();
    rustix::mount::mount_bind(disk.path(), &world.site.mount_point).unwrap();
    let error = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(
        error.contains("neither ramfs nor tmpfs") && error.contains("umount"),
        "{error}"
    );
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
    assert!(world.site.link.symlink_metadata().is_err());
}

/// Runs the test again as root without the right to mount, as in most containers. Returns true in the new process.
fn without_mounting(test: &str) -> bool {
    if std::env::var_os("SOPS_TEST_NO_MOUNT").is_some() {
        return true;
    }
    if in_namespace(test) {
        let output = Command::new("setpriv")
            .args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("install::tests::{test}"), "--nocapture"])
            .env("SOPS_TEST_NO_MOUNT", "1")
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            shown.contains("1 passed"),
            "{shown}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    false
}

#[test]
fn where_mounting_is_forbidden_a_tmpfs_will_do() {
    if !without_mounting("mounts::where_mounting_is_forbidden_a_tmpfs_will_do") {
        return;
    }
    let mut world = World::with(RAMFS);
    let directory = TempDir::new_in("/dev/shm").unwrap();
    world.site.mount_point = directory.path().join("secrets.d");
    for number in 1..=2 {
        let published = world.publish(&[secret("a", b"x")]).unwrap();
        assert_eq!(published.generation, number);
        assert_eq!(published.warnings.len(), 1, "{:?}", published.warnings);
        assert!(published.warnings[0].contains("may be written to swap; allow this container to mount"));
    }
    assert_eq!(world.read("a"), "x");
    assert_eq!(world.site.mount_point.metadata().unwrap().mode() & 0o7777, 0o751);
}

/// An earlier run could not mount, but this run can.
#[test]
fn a_live_generation_is_not_covered_by_a_mount() {
    if !in_namespace("mounts::a_live_generation_is_not_covered_by_a_mount") {
        return;
    }
    let mut world = World::with(RAMFS);
    let directory = TempDir::new_in("/dev/shm").unwrap();
    world.site.mount_point = directory.path().join("secrets.d");
    fs::create_dir_all(world.site.mount_point.join("1")).unwrap();
    fs::write(world.site.mount_point.join("1/a"), "old").unwrap();
    std::os::unix::fs::symlink(world.site.mount_point.join("1"), &world.site.link).unwrap();
    let published = world.publish(&[secret("a", b"new")]).unwrap();
    assert_eq!(published.changes.secrets.modified, ["a"]);
    assert!(published.warnings[0].ends_with("and restart it"), "{:?}", published.warnings);
    assert_eq!(mounts(&world), []);
    assert_eq!(world.read("a"), "new");
    assert_eq!(world.site.mount_point.metadata().unwrap().mode() & 0o7777, 0o751);
}

#[test]
fn where_mounting_is_forbidden_a_disk_will_not_do() {
    if !without_mounting("mounts::where_mounting_is_forbidden_a_disk_will_not_do") {
        return;
    }
    let mut world = World::with(RAMFS);
    let directory = TempDir::new_in("/var/tmp").unwrap();
    world.site.mount_point = directory.path().join("secrets.d");
    let error = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(
        error.contains("cannot mount ramfs") && error.contains("mount a tmpfs on"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&world.site.mount_point).unwrap().count(), 0);
    assert!(world.site.link.symlink_metadata().is_err());
}

#[test]
fn a_plain_directory_on_a_disk_is_reported() {
    let mut world = World::new();
    let disk = TempDir::new_in("/var/tmp").unwrap();
    world.site.mount_point = disk.path().join("secrets.d");
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    assert!(
        published.warnings.iter().any(|warning| warning.contains("is on a disk")),
        "{:?}",
        published.warnings
    );
    let memory = TempDir::new_in("/dev/shm").unwrap();
    world.site.mount_point = memory.path().join("secrets.d");
    world.site.link = memory.path().join("secrets");
    assert!(world.publish(&[secret("a", b"x")]).unwrap().warnings.is_empty());
}

#[test]
fn a_mount_point_that_is_a_link_or_a_file_is_refused() {
    for make in [
        |path: &Path| std::os::unix::fs::symlink("/dev/shm", path).unwrap(),
        |path: &Path| fs::write(path, "").unwrap(),
    ] {
        let world = World::new();
        make(&world.site.mount_point);
        let error = world.publish(&[secret("a", b"x")]).unwrap_err();
        assert!(error.contains("cannot open") && error.contains("secrets.d"), "{error}");
        assert!(world.site.link.symlink_metadata().is_err());
    }
}

#[test]
fn a_plain_directory_is_tightened_and_never_widened() {
    for (before, after) in [
        (0o700, 0o700),
        (0o777, 0o751),
        (0o770, 0o750),
        (0o1777, 0o751),
        (0o751, 0o751),
    ] {
        let world = World::new();
        fs::create_dir(&world.site.mount_point).unwrap();
        fs::set_permissions(&world.site.mount_point, std::os::unix::fs::PermissionsExt::from_mode(before)).unwrap();
        world.publish(&[secret("a", b"x")]).unwrap();
        assert_eq!(world.site.mount_point.metadata().unwrap().mode() & 0o7777, after);
    }
}

#[test]
fn a_plain_directory_of_another_user_is_refused() {
    if !is_root("a_plain_directory_of_another_user_is_refused") {
        return;
    }
    let world = World::new();
    fs::create_dir(&world.site.mount_point).unwrap();
    std::os::unix::fs::chown(&world.site.mount_point, Some(1234), None).unwrap();
    let error = world.publish(&[secret("a", b"x")]).unwrap_err();
    assert!(error.contains("belongs to the user with uid 1234"), "{error}");
    assert!(world.tree("secrets.d").is_empty());
}
