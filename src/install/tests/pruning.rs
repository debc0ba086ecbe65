//! Tests of how old generations are pruned.

use std::os::unix::fs::symlink;

use super::*;

/// Names in the mount point after five publications.
fn kept(keep_generations: u64) -> Vec<String> {
    let mut world = World::new();
    world.site.keep_generations = keep_generations;
    for _ in 0..5 {
        assert!(world.publish(&[secret("a/b", b"x")]).unwrap().failures.is_empty());
    }
    let mut names: Vec<_> = fs::read_dir(&world.site.mount_point)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != lock::NAME)
        .collect();
    names.sort();
    names
}

#[test]
fn as_many_generations_are_kept_as_declared() {
    let all = ["1", "2", "3", "4", "5"];
    let marked = |numbers: &[&str]| {
        let marks = numbers.iter().map(|number| format!(".{number}.complete"));
        marks.chain(numbers.iter().map(ToString::to_string)).collect::<Vec<_>>()
    };
    assert_eq!(kept(1), ["5"]);
    assert_eq!(kept(3), marked(&all[2..]));
    assert_eq!(kept(9), marked(&all));
    assert_eq!(kept(0), marked(&all));
}

#[test]
fn what_is_no_old_generation_stays() {
    let world = World::new();
    world.publish(&[secret("a", b"x")]).unwrap();
    let root = &world.site.mount_point;
    for name in ["01", "notes", "x.pending", "0"] {
        fs::write(root.join(name), "kept").unwrap();
    }
    for name in ["1.pending", "9", "9.pending"] {
        fs::write(root.join(name), "").unwrap();
    }
    world.publish(&[secret("a", b"x")]).unwrap();
    let tree = world.tree("secrets.d").join("\n");
    for name in ["01", "notes", "x.pending", "0"] {
        assert!(root.join(name).exists(), "{name} in {tree}");
    }
    for name in ["1", "1.pending", "9", "9.pending"] {
        assert!(!root.join(name).exists(), "{name} in {tree}");
    }
}

#[test]
fn pruning_follows_no_symlink() {
    let world = World::new();
    let precious = world.top.join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "kept").unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    symlink(&precious, world.site.mount_point.join("1/link")).unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    symlink(&precious, world.site.mount_point.join("1")).unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(world.tree("precious"), ["precious/file 644"]);
    assert!(world.site.mount_point.join("1").symlink_metadata().is_err());
}

#[test]
fn what_cannot_be_pruned_is_a_warning() {
    if !in_namespace("pruning::what_cannot_be_pruned_is_a_warning") {
        return;
    }
    let world = World::new();
    world.publish(&[secret("a/b", b"x")]).unwrap();
    rustix::mount::mount(
        "tmpfs",
        world.site.mount_point.join("1/a"),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        c"",
    )
    .unwrap();
    let published = world.publish(&[secret("a/b", b"x")]).unwrap();
    let expected = format!("cannot remove {}", world.site.mount_point.join("1").display());
    assert!(
        published.warnings.iter().any(|warning| warning.starts_with(&expected)),
        "{:?}",
        published.warnings
    );
    assert_eq!(world.target(), world.site.mount_point.join("2"));
}
