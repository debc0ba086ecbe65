//! Tests that only one run publishes at a time.

use rustix::fs::{FlockOperation, flock};

use super::*;

#[test]
fn a_run_that_waits_too_long_says_what_it_waits_for() {
    let world = World::new();
    world.publish(&[secret("a", b"old")]).unwrap();
    let held = fs::File::open(world.site.mount_point.join(lock::NAME)).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let timeout = Duration::from_millis(50);
    let outcome = publish_within(timeout, &world.site, &[secret("a", b"new")], Extent::Whole, &Channel::Nobody);
    let shown = said(&outcome.unwrap_err());
    assert!(
        shown.contains("is locked by another run") && shown.contains("secrets.d"),
        "{shown}"
    );
    assert_eq!(world.read("a"), "old");
    drop(held);
    world.publish(&[secret("a", b"new")]).unwrap();
}

#[test]
fn a_run_waits_for_another_one_to_end() {
    let world = World::new();
    world.publish(&[]).unwrap();
    let held = fs::File::open(world.site.mount_point.join(lock::NAME)).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.publish(&[secret("a", b"x")]).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        drop(held);
        waiting.join().unwrap();
    });
}

#[test]
fn a_run_that_waited_for_a_replaced_directory_starts_over() {
    let world = World::new();
    world.publish(&[secret("a", b"old")]).unwrap();
    let held = fs::File::open(world.site.mount_point.join(lock::NAME)).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.publish(&[secret("a", b"new")]).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        fs::rename(&world.site.mount_point, world.top.join("aside")).unwrap();
        fs::create_dir(&world.site.mount_point).unwrap();
        drop(held);
        waiting.join().unwrap();
    });
    assert_eq!(
        world.tree("aside"),
        ["aside/1/ 751", "aside/1/a 400"],
        "the old directory was not touched"
    );
    assert_eq!(world.read("a"), "new");
}

#[test]
fn runs_at_once_never_interleave() {
    let mut world = World::new();
    world.site.keep_generations = 0;
    std::thread::scope(|scope| {
        for run in 0..6 {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..5 {
                    let content = format!("{run}");
                    let names: Vec<_> = (0..20).map(|number| format!("s{number}")).collect();
                    let entries: Vec<_> = names.iter().map(|name| secret(name, content.as_bytes())).collect();
                    world.publish(&entries).unwrap();
                }
            });
        }
    });
    for generation in 1..=30 {
        let dir = world.site.generation(generation);
        let contents: std::collections::BTreeSet<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 20);
        assert_eq!(contents.len(), 1, "generation {generation} is of one run");
    }
    assert_eq!(world.target(), world.site.generation(30));
}

#[test]
fn runs_at_once_mount_once() {
    if !in_namespace("locking::runs_at_once_mount_once") {
        return;
    }
    for _ in 0..10 {
        let world = World::with(RAMFS);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| world.publish(&[secret("a", b"x")]).unwrap());
            }
        });
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount_point = world.site.mount_point.display().to_string();
        assert_eq!(
            mounts.lines().filter(|line| line.contains(&mount_point)).count(),
            1,
            "{mounts}"
        );
        assert_eq!(world.target(), world.site.mount_point.join("8"));
        rustix::mount::unmount(&world.site.mount_point, rustix::mount::UnmountFlags::empty()).unwrap();
    }
}

/// Runs `flock` on a path as the user 1001, who is in the group of the mount point. Returns whether `flock` got the lock.
fn locks(path: &Path) -> bool {
    let output = Command::new("setpriv")
        .args(["--reuid=1001", "--regid=1001", "--groups=5", "flock", "--nonblock"])
        .arg(path)
        .arg("true")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || shown.contains("Permission denied"), "{shown}");
    output.status.success()
}

/// A world into which everybody may look. Its directories belong to the group 5.
fn shared() -> World {
    let world = World::with(Store::Mounted {
        file_system: FileSystem::Ramfs,
        group: Some(Gid::from_raw(5)),
    });
    fs::set_permissions(&world.top, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world
}

#[test]
fn whoever_locks_the_directory_keeps_nobody_waiting() {
    if !in_namespace("locking::whoever_locks_the_directory_keeps_nobody_waiting") {
        return;
    }
    let world = shared();
    world.publish(&[secret("a", b"x")]).unwrap();
    assert!(locks(&world.site.mount_point), "the group may list the directory");
    assert!(!locks(&world.site.mount_point.join(lock::NAME)));
    let held = fs::File::open(&world.site.mount_point).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let timeout = Duration::from_millis(50);
    publish_within(timeout, &world.site, &[secret("a", b"new")], Extent::Whole, &Channel::Nobody).unwrap();
    assert_eq!(world.read("a"), "new");
}

#[test]
fn a_directory_to_be_mounted_over_is_closed_to_others() {
    if !in_namespace("locking::a_directory_to_be_mounted_over_is_closed_to_others") {
        return;
    }
    for is_there in [false, true] {
        let world = shared();
        if is_there {
            // Somebody has made the directory by hand.
            fs::create_dir(&world.site.mount_point).unwrap();
            std::os::unix::fs::chown(&world.site.mount_point, Some(1001), Some(5)).unwrap();
        }
        world.publish(&[secret("a", b"x")]).unwrap();
        rustix::mount::unmount(&world.site.mount_point, rustix::mount::UnmountFlags::DETACH).unwrap();
        assert!(!locks(&world.site.mount_point));
    }
}

#[test]
fn a_lock_that_others_could_open_is_replaced() {
    let world = World::new();
    fs::create_dir(&world.site.mount_point).unwrap();
    let path = world.site.mount_point.join(lock::NAME);
    for make in [
        |path: &Path| fs::write(path, "").unwrap(),
        |path: &Path| fs::create_dir(path).unwrap(),
        |path: &Path| std::os::unix::fs::symlink("/nowhere", path).unwrap(),
    ] {
        make(&path);
        world.publish(&[secret("a", b"x")]).unwrap();
        let found = path.symlink_metadata().unwrap();
        assert_eq!((found.is_file(), found.mode() & 0o7777), (true, 0o600));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_part_is_published_only_where_nothing_is_live() {
    let world = World::new();
    let part = |content: &'static [u8]| publish(&world.site, &[secret("a", content)], Extent::Rest, &Channel::Nobody);
    part(b"first").unwrap();
    let refused = said(&part(b"second").unwrap_err());
    assert!(refused.contains("another run has just published"), "{refused}");
    assert_eq!(std::fs::read(world.site.link.join("a")).unwrap(), b"first");
}
