//! Tests of how the link is swapped, and of what may stand in its place.

use std::{
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;

#[test]
fn numbers_count_up_from_the_link() {
    let world = World::new();
    for number in 1..=3 {
        assert_eq!(world.publish(&[secret("a", b"x")]).unwrap().generation, number);
        assert_eq!(world.target(), world.site.mount_point.join(number.to_string()));
    }
    // If the directory is gone, its number in the link still counts.
    fs::remove_dir_all(world.site.mount_point.join("3")).unwrap();
    let seen = Preview::of(&world.site, &[secret("a", b"x")]).unwrap();
    assert!(!seen.is_live);
    assert_eq!(world.publish(&[secret("a", b"x")]).unwrap().generation, 4);
}

#[test]
fn the_last_number_is_an_error() {
    let world = World::new();
    fs::create_dir_all(&world.site.mount_point).unwrap();
    symlink(world.site.mount_point.join(u64::MAX.to_string()), &world.site.link).unwrap();
    let error = world.publish(&[]).unwrap_err();
    assert!(
        error.contains("leads to the generation with the highest possible number"),
        "{error}"
    );
}

#[test]
fn a_link_that_is_not_ours_is_replaced_and_reported() {
    for target in ["/nowhere", "secrets.d/1", "secrets.d/01", "secrets.d/x", "elsewhere/1"] {
        let world = World::new();
        let target = world.top.join(target);
        if target.ends_with("1") {
            fs::create_dir_all(&target).unwrap();
        }
        symlink(&target, &world.site.link).unwrap();
        let ours = target.ends_with("secrets.d/1");
        let published = world.publish(&[secret("a", b"x")]).unwrap();
        assert_eq!(published.generation, if ours { 2 } else { 1 });
        let reported = published
            .warnings
            .iter()
            .any(|warning| warning.contains(&*target.to_string_lossy()));
        assert_eq!(reported, !ours, "{target:?}: {:?}", published.warnings);
        assert_eq!(world.read("a"), "x");
    }
}

#[test]
fn parents_of_the_link_are_made() {
    let mut world = World::new();
    world.site.link = world.top.join("config/sops-nix/secrets");
    world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(
        world.tree("config")[..2],
        ["config/sops-nix/ 755", "config/sops-nix/secrets -> secrets.d/1"]
    );
}

#[test]
fn an_empty_directory_makes_way() {
    let world = World::new();
    fs::create_dir(&world.site.link).unwrap();
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    assert!(!published.warnings.iter().any(|warning| warning.contains("was moved to")));
    assert_eq!(world.tree("").len(), 4, "{:?}", world.tree(""));
    assert_eq!(world.read("a"), "x");
}

#[test]
fn a_directory_with_something_in_it_is_never_lost() {
    let world = World::new();
    fs::create_dir(world.top.join("secrets.sops-backup")).unwrap();
    fs::write(world.top.join("secrets.sops-backup.1"), "earlier").unwrap();
    fs::create_dir(&world.site.link).unwrap();
    fs::write(world.site.link.join("precious"), "kept").unwrap();
    let published = world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(
        fs::read_to_string(world.top.join("secrets.sops-backup.2/precious")).unwrap(),
        "kept"
    );
    assert_eq!(
        fs::read_to_string(world.top.join("secrets.sops-backup.1")).unwrap(),
        "earlier"
    );
    let backup = world.top.join("secrets.sops-backup.2").display().to_string();
    assert!(
        published
            .warnings
            .iter()
            .any(|warning| warning.contains(&format!(" was moved to {backup}, "))),
        "{:?}",
        published.warnings
    );
    assert_eq!(world.read("a"), "x");
}

#[test]
fn a_file_is_never_lost() {
    let world = World::new();
    fs::write(&world.site.link, "kept").unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    assert_eq!(fs::read_to_string(world.top.join("secrets.sops-backup")).unwrap(), "kept");
    assert_eq!(world.read("a"), "x");
}

#[test]
fn what_a_killed_run_left_under_the_temporary_name_is_kept_or_cleaned() {
    let world = World::new();
    let temporary = world.top.join("secrets.sops-new");
    symlink("/nowhere", &temporary).unwrap();
    world.publish(&[secret("a", b"x")]).unwrap();
    assert!(temporary.symlink_metadata().is_err());
    // If a run was killed after the exchange, and before the old file was moved aside, the old file has the temporary name.
    fs::write(&temporary, "kept").unwrap();
    world.publish(&[secret("a", b"y")]).unwrap();
    assert!(temporary.symlink_metadata().is_err());
    assert_eq!(fs::read_to_string(world.top.join("secrets.sops-backup")).unwrap(), "kept");
    assert_eq!(world.read("a"), "y");
}

#[test]
fn a_reader_finds_a_whole_generation_at_every_moment() {
    let mut world = World::new();
    world.site.keep_generations = 0;
    world.publish(&[secret("a", b"0"), secret("b", b"0")]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let generation = world.target();
                let [a, b] = ["a", "b"].map(|name| fs::read_to_string(generation.join(name)).unwrap());
                assert_eq!(a, b);
                assert!(world.site.link.join("a").exists());
                reads += 1;
            }
            reads
        });
        for run in 0..200 {
            let content = run.to_string();
            world
                .publish(&[secret("a", content.as_bytes()), secret("b", content.as_bytes())])
                .unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
}

/// Tests a file system such as NFS, on which renameat2 knows no flags. strace answers in place of the kernel. A rename without
/// flags is another system call, renameat.
#[test]
fn a_file_system_that_cannot_exchange_names_is_served_in_steps() {
    serve_in_steps(
        "swapping::a_file_system_that_cannot_exchange_names_is_served_in_steps",
        "inject=renameat2:error=EINVAL",
    );
}

/// The first call finds that the name is taken: the kernel itself reports this. Only the second call shows that the file system
/// knows no flags.
#[test]
fn a_file_system_that_knows_a_name_is_taken_and_cannot_exchange_it_is_served_in_steps() {
    serve_in_steps(
        "swapping::a_file_system_that_knows_a_name_is_taken_and_cannot_exchange_it_is_served_in_steps",
        "inject=renameat2:error=EINVAL:when=2+",
    );
}

/// Runs the test `test` once more. In that process, strace answers some system calls, and this function returns true.
fn traced(test: &str, inject: &str) -> bool {
    if std::env::var_os("SOPS_TEST_TRACED").is_some() {
        return true;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        writeln!(std::io::stderr(), "{test}: skipped: needs strace").unwrap();
        return false;
    }
    let output = Command::new("strace")
        .args(["-f", "-e", "trace=renameat2,renameat,rename", "-e", inject])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("install::tests::{test}")])
        .env("SOPS_TEST_TRACED", "1")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("1 passed"),
        "{shown}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

/// The disk is full when the file has already been exchanged for the link. So the file can be neither moved aside nor put back.
#[test]
fn a_file_that_can_be_neither_moved_aside_nor_put_back_is_not_lost() {
    let test = "swapping::a_file_that_can_be_neither_moved_aside_nor_put_back_is_not_lost";
    if !traced(test, "inject=renameat2:error=ENOSPC:when=4+") {
        return;
    }
    let world = World::new();
    let path = world.top.join("key");
    fs::write(&path, "precious").unwrap();
    let entries = [Entry {
        path: Some(path),
        ..secret("a", b"x")
    }];
    let published = world.publish(&entries).unwrap();
    assert!(published.failures[0].to_string().contains("cannot move aside"));
    assert_eq!(fs::read_to_string(world.top.join("key.sops-new")).unwrap(), "precious");
}

/// Publishes twice over files and symlinks of several kinds, while some system calls fail.
fn serve_in_steps(test: &str, inject: &str) {
    if !traced(test, inject) {
        return;
    }
    let world = World::new();
    let paths = ["link", "file", "free"].map(|name| world.top.join(name));
    let [link, file, _] = &paths;
    symlink("/nowhere", link).unwrap();
    fs::write(file, "kept").unwrap();
    fs::write(world.top.join("file.sops-backup"), "earlier").unwrap();
    fs::create_dir(&world.site.link).unwrap();
    fs::write(world.site.link.join("precious"), "kept").unwrap();
    for _ in 0..2 {
        let entries: Vec<_> = ["a", "b", "c"]
            .iter()
            .zip(&paths)
            .map(|(name, path)| Entry {
                path: Some(path.clone()),
                ..secret(name, b"x")
            })
            .collect();
        let published = world.publish(&entries).unwrap();
        assert!(published.failures.is_empty(), "{:?}", published.failures);
    }
    assert_eq!(
        world.tree(""),
        [
            "file -> secrets/b",
            "file.sops-backup 644",
            "file.sops-backup.1 644",
            "free -> secrets/c",
            "link -> secrets/a",
            "secrets -> secrets.d/2",
            "secrets.d/ 751",
            "secrets.d/2/ 751",
            "secrets.d/2/a 400",
            "secrets.d/2/b 400",
            "secrets.d/2/c 400",
            "secrets.sops-backup/ 755",
            "secrets.sops-backup/precious 644",
        ]
    );
}

#[test]
fn a_look_without_the_lock_sees_one_whole_generation_while_another_run_publishes() {
    let world = World::new();
    let entries = [secret("a", b"x"), secret("deep/b", b"y")];
    world.publish(&entries).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                world.publish(&entries).unwrap();
            }
        });
        let seen = (0..2000).map(|_| {
            let preview = Preview::of(&world.site, &entries)?;
            Ok((live_generation(&world.site)?.is_some(), preview.is_live, preview.changes))
        });
        let seen: Result<Vec<_>, InstallError> = seen.collect();
        is_over.store(true, Ordering::Relaxed);
        let odd = |seen: &(bool, bool, Changes)| !seen.0 || !seen.1 || seen.2 != Changes::default();
        let seen = seen.unwrap();
        assert!(!seen.iter().any(odd), "{:?}", seen.iter().find(|seen| odd(seen)));
    });
}
