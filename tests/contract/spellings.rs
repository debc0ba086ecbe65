//! Tests paths with several spellings for one place. Only the directory itself counts, not its spelling in a symlink or a manifest.

use serde_json::{Value, json};

use crate::common::{Manifest, Said, World};

const TEXT: &str = "text without a line break at its end";

/// A manifest with one secret.
fn one(world: &World) -> Manifest {
    world.manifest().secret("a", &world.fixture("text.bin"), "")
}

/// The manifest of [`one`], with more secrets than the small file system of [`small`] has room for.
fn too_large(world: &World) -> Manifest {
    one(world).template("large", &"x".repeat(300_000), json!({}))
}

/// A world with a small file system for the generations. `/run/alias` is another path of `/run`.
fn small() -> Option<World> {
    let world = World::system()?;
    world.shell("ln -s . /run/alias; mkdir /run/secrets.d; mount -t tmpfs -o size=100k,nodev,nosuid,noexec tmpfs /run/secrets.d");
    Some(world)
}

/// Whether nothing was printed, except for the warning that the file system is no ramfs.
fn is_quiet(said: &Said) -> bool {
    said.out.is_empty() && said.err.lines().all(|line| line.contains("is on a tmpfs without noswap"))
}

/// Spellings of the target of `/run/secrets` that are all correct.
const SPELLINGS: &[&str] = &[
    "/run/alias/secrets.d/1",
    "secrets.d/1",
    "/run//secrets.d/1/",
    "/run/./secrets.d/1/.",
    "/run/nixos/../secrets.d/1",
    "/run/other-mount/1",
    "/run/mounted-generation",
];

#[test]
fn a_live_generation_is_known_by_its_directory_and_survives_a_failing_run() {
    for spelling in SPELLINGS {
        let Some(world) = small() else { return };
        world.install(&one(&world));
        world.shell("mkdir /run/other-mount /run/mounted-generation; mount --bind /run/secrets.d /run/other-mount; mount --bind /run/secrets.d/1 /run/mounted-generation");
        world.allow("/run/other-mount");
        world.allow("/run/mounted-generation");
        world.shell(&format!("ln -sfn {spelling} /run/secrets"));
        let failed = world.run(&too_large(&world));
        assert_eq!(failed.code, Some(1), "{spelling}: {failed:?}");
        assert!(failed.err.contains("no space left"), "{spelling}: {failed:?}");
        assert_eq!(world.read("/run/secrets/a"), TEXT, "{spelling}");
        let next = world.install(&one(&world));
        assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n", "{spelling}");
        assert!(is_quiet(&next), "{spelling}: {next:?}");
        assert_eq!(world.read("/run/secrets/a"), TEXT, "{spelling}");
    }
}

#[test]
fn a_broken_secret_leaves_what_is_live_under_another_spelling_of_the_link() {
    let Some(world) = small() else { return };
    world.install(&one(&world));
    world.shell("ln -sfn alias/secrets.d/1 /run/secrets");
    let file = world.altered("nesting.json", "altered.json", "host");
    let said = world.run(&one(&world).secret("broken", &file, "database/host"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(world.read("/run/secrets/a"), TEXT);
    assert_eq!(world.shell("ls /run/secrets.d"), "1\n");
}

#[test]
fn a_run_time_directory_behind_a_symlink_is_the_directory() {
    let world = World::user();
    std::os::unix::fs::symlink("run", world.input("alias")).unwrap();
    let by_alias = |manifest: &Manifest| world.run_with(manifest, |command| command.env("XDG_RUNTIME_DIR", world.input("alias")));
    world.install(&one(&world));
    let file = world.altered("nesting.json", "altered.json", "host");
    let said = by_alias(&one(&world).secret("broken", &file, "database/host"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let live = || std::fs::read_to_string(world.input("home/.config/sops-nix/secrets/a")).unwrap();
    assert_eq!(live(), TEXT);
    for (generation, alias) in [(2, true), (3, false), (4, true)] {
        let said = if alias {
            by_alias(&one(&world))
        } else {
            world.run(&one(&world))
        };
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
        assert!(!said.err.contains("was replaced"), "{said:?}");
        let kept: Vec<_> = std::fs::read_dir(world.input("run/secrets.d"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| ![".last-run.json", ".lock"].contains(&name.as_str()))
            .collect();
        assert_eq!(kept, [generation.to_string()]);
        assert_eq!(live(), TEXT);
    }
}

/// A manifest with two secrets. `a` has the further fields `fields`, and `b` has the further fields `others`.
fn two(world: &World, fields: Value, others: Value) -> Manifest {
    let file = world.fixture("nesting.json");
    world
        .manifest()
        .secret_with("a", &file, "database/host", fields)
        .secret_with("b", &file, "a/b/c/d", others)
}

/// A world in which places have several spellings, by symlinks and by one directory that is mounted at two places.
fn winding() -> Option<World> {
    let world = World::system()?;
    world.shell("ln -s /run /etc/alias; mkdir /etc/x /etc/bound; ln -s x /etc/y; mount --bind /etc/x /etc/bound");
    Some(world)
}

/// The declared paths of `a` and `b`, and the error for each pair of paths.
fn conflicts() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        (
            "/etc/alias/secrets/b",
            "",
            "secret \"a\" has the path /etc/alias/secrets/b, but secret \"b\" is there; choose another path",
        ),
        (
            "/etc/y/key",
            "/etc/x/key",
            "secret \"b\" has the path /etc/x/key, but secret \"a\" is there; choose another path",
        ),
        (
            "/etc/bound/new/key",
            "/etc/x/new/key",
            "secret \"b\" has the path /etc/x/new/key, but secret \"a\" is there; choose another path",
        ),
        (
            "/etc/y/key",
            "/etc/x/key/deep",
            "secret \"b\" has the path /etc/x/key/deep, which is below secret \"a\"; choose another path",
        ),
        (
            "/etc/y/key/deep",
            "/etc/x/key",
            "secret \"b\" has the path /etc/x/key, which is above secret \"a\"; choose another path",
        ),
        (
            "/etc/alias/secrets/b/deep",
            "",
            "secret \"a\" has the path /etc/alias/secrets/b/deep, which is below secret \"b\"; choose another path",
        ),
        (
            "/etc/alias/secrets.d/1/c",
            "",
            "secret \"a\" has the path /etc/alias/secrets.d/1/c, which this program itself needs; choose another path",
        ),
        (
            "/etc/alias/secrets",
            "",
            "secret \"a\" has the path /etc/alias/secrets, which this program itself needs; choose another path",
        ),
        (
            "/etc/alias/secrets.d",
            "",
            "secret \"a\" has the path /etc/alias/secrets.d, which this program itself needs; choose another path",
        ),
    ]
}

#[test]
fn two_secrets_at_one_place_are_found_before_anything_is_written() {
    for (of_a, of_b, finding) in conflicts() {
        let Some(world) = winding() else { return };
        world.install(&two(&world, json!({}), json!({})));
        let before = (world.tree("/run"), world.tree("/etc"));
        let manifest = two(&world, json!({"path": of_a}), json!({"path": of_b}));
        for dry in ["dry-activate", ""] {
            let said = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", dry));
            assert_eq!((said.code, said.err), (Some(1), format!("error: {finding}\n")), "{dry}");
            assert_eq!((world.tree("/run"), world.tree("/etc")), before, "{of_a} {dry}");
        }
    }
}

#[test]
fn two_secrets_at_one_place_do_not_keep_a_fresh_system_from_its_secrets() {
    for (of_a, of_b, finding) in conflicts() {
        let Some(world) = winding() else { return };
        let manifest = two(&world, json!({"path": of_a}), json!({"path": of_b}));
        let said = world.run(&manifest);
        assert_eq!((said.code, said.err), (Some(3), format!("error: {finding}\n")));
        assert_eq!(world.read("/run/secrets/a"), "db.example.org", "{of_a}");
        assert_eq!(world.read("/run/secrets/b"), "deep", "{of_a}");
        assert!(
            !world.tree("/run/secrets.d/1").contains("link"),
            "{}",
            world.tree("/run/secrets.d")
        );
    }
}

#[test]
fn a_path_into_the_published_tree_by_another_spelling_survives_later_runs_without_changes() {
    for path in ["/etc/alias/secrets/deep/c", "/etc/alias/secrets/a", "/run/nixos/../secrets/c"] {
        let Some(world) = winding() else { return };
        for generation in 1..=3 {
            let said = world.install(&two(&world, json!({"path": path}), json!({})));
            assert_eq!(said.out, "", "{path}");
            assert_eq!(world.shell("readlink /run/secrets"), format!("/run/secrets.d/{generation}\n"));
            assert_eq!(world.read(path), "db.example.org", "{path}");
        }
    }
}

#[test]
fn what_a_user_makes_one_place_of_two_costs_their_links_alone() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /run/home/alice/x; ln -s x /run/home/alice/y; chown -hR 1000:1000 /run/home/alice");
    world.install(&two(&world, json!({}), json!({})));
    let manifest = two(
        &world,
        json!({"path": "/run/home/alice/x/key"}),
        json!({"path": "/run/home/alice/y/key"}),
    );
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.err,
        "error: secret \"b\" has the path /run/home/alice/y/key, but secret \"a\" is there; choose another path\n"
    );
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
    assert_eq!(world.shell("ls /run/home/alice/x"), "");
}

#[test]
fn a_user_cannot_lead_a_path_into_the_published_tree() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /run/home/alice; ln -s /run/secrets /run/home/alice/dir; chown -hR 1000:1000 /run/home/alice");
    let error = "error: secret \"a\": cannot safely reach /run/home/alice/dir/c: on the way, /run/home/alice/dir is a symlink to a directory of \
                 somebody else, and uid 1000 can change this symlink; replace the symlink with a directory, or declare the path that the symlink leads to\n";
    let manifest = two(&world, json!({"path": "/run/home/alice/dir/c"}), json!({}));
    for generation in 1..=2 {
        let said = world.run(&manifest);
        assert_eq!((said.code, said.err.as_str()), (Some(3), error));
        assert_eq!(world.shell(&format!("ls /run/secrets.d/{generation}")), "a\nb\n");
    }
}

#[test]
fn who_is_in_the_way_by_the_own_place_keeps_the_own_link() {
    let Some(world) = winding() else { return };
    let manifest = two(&world, json!({"path": "/etc/alias/secrets/b"}), json!({"path": "/etc/x/b"}));
    assert_eq!(world.run(&manifest).code, Some(3));
    assert_eq!(world.tree("/etc/x"), "link 0:0 b -> /run/secrets/b\n");
}

#[test]
fn there_may_be_more_declared_paths_than_files_can_be_open() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("text.bin");
    let manifest = (0..300).fold(world.manifest(), |manifest, number| {
        let path = format!("/etc/many/{number}");
        manifest.secret_with(&format!("s{number}"), &file, "", json!({"path": path}))
    });
    let saved = world.save(&manifest);
    for _ in 0..2 {
        let mut command = world.command("prlimit");
        let said = world.finish(command.arg("--nofile=64").arg("--").arg(world.executable()).arg(&saved));
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    }
    assert_eq!(world.shell("ls /etc/many | wc -l"), "300\n");
}

#[test]
fn a_link_and_a_mount_point_that_lie_in_each_other_are_found_by_any_spelling() {
    for (link, mount_point, problem) in [
        (
            "/etc/alias/secrets.d/link",
            "/run/secrets.d",
            "symlinkPath /etc/alias/secrets.d/link is inside secretsMountPoint /run/secrets.d",
        ),
        (
            "/etc/alias/secrets.d",
            "/run/secrets.d",
            "symlinkPath /etc/alias/secrets.d is inside secretsMountPoint /run/secrets.d",
        ),
        (
            "/run/secrets",
            "/etc/alias/secrets/d",
            "secretsMountPoint /etc/alias/secrets/d is inside symlinkPath /run/secrets",
        ),
    ] {
        let Some(world) = winding() else { return };
        let manifest = one(&world).with("symlinkPath", link).with("secretsMountPoint", mount_point);
        let before = (world.tree("/run"), world.tree("/etc"));
        for dry in ["dry-activate", ""] {
            let said = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", dry));
            assert_eq!(said.code, Some(1), "{said:?}");
            let remedy = "choose two paths, neither of which is inside the other";
            assert_eq!(said.err, format!("error: {problem}; {remedy}\n"));
            assert_eq!((world.tree("/run"), world.tree("/etc")), before, "{link}");
        }
    }
}

#[test]
fn a_link_of_ours_by_another_spelling_is_replaced_without_a_word() {
    let Some(world) = winding() else { return };
    let manifest = two(&world, json!({"path": "/etc/x/key"}), json!({}));
    world.install(&manifest);
    for target in ["/etc/alias/secrets/a", "/etc/alias/secrets.d/1/a", "../alias/secrets/gone"] {
        world.shell(&format!("ln -sfn {target} /etc/x/key"));
        let said = world.install(&manifest);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{target}");
        assert_eq!(world.shell("readlink /etc/x/key"), "/run/secrets/a\n");
    }
}

#[test]
fn a_generation_that_a_declared_link_still_leads_to_is_not_removed() {
    let Some(world) = small() else { return };
    let at = |manifest: Manifest| {
        let mut manifest = manifest;
        manifest.value()["secrets"][0]["path"] = json!("/etc/key");
        manifest
    };
    world.install(&at(one(&world)));
    // The configuration now names another link. A program that reads the declared path still gets the secret through the old link.
    let moved = |manifest: Manifest| manifest.with("symlinkPath", "/run/other");
    let failed = world.run(&moved(at(too_large(&world))));
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(world.read("/etc/key"), TEXT);
    let said = world.install(&moved(at(one(&world))));
    assert_eq!(said.code, Some(0));
    assert_eq!(
        world.shell("readlink /etc/key /run/other; ls /run/secrets.d"),
        "/run/other/a\n/run/secrets.d/2\n2\n"
    );
}

#[test]
fn what_no_link_leads_to_goes_also_where_the_numbers_start_again() {
    let Some(world) = World::system() else { return };
    let keep_all = one(&world).with("keepGenerations", 0);
    for _ in 0..3 {
        world.install(&keep_all);
    }
    world.shell("rm /run/secrets; touch /run/secrets.d/9.pending");
    let said = world.install(&one(&world));
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    assert_eq!(
        world.shell("readlink /run/secrets; ls /run/secrets.d"),
        "/run/secrets.d/1\n1\n"
    );
}
