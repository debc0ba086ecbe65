//! Tests of symlinks at declared paths.

use std::os::unix::fs::chown;

use serde_json::json;

use crate::common::{ALICE, Manifest, World, has};

/// A manifest with one secret whose declared path is `path`.
fn at(world: &World, path: &str) -> Manifest {
    let file = world.fixture("text.bin");
    world.manifest().secret_with("a", &file, "", json!({"path": path}))
}

const TEXT: &str = "text without a line break at its end";

#[test]
fn a_secret_is_seen_at_its_path_by_a_link_of_its_owner() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("text.bin");
    let manifest = world
        .manifest()
        .secret_with(
            "a",
            &file,
            "",
            json!({"path": "/etc/app/key", "owner": "alice", "group": "web"}),
        )
        .template("t", "x", json!({"path": "/etc/app/t.conf"}));
    world.install(&manifest);
    assert_eq!(
        world.tree("/etc/app"),
        "link 1000:60 key -> /run/secrets/a\nlink 0:0 t.conf -> /run/secrets/rendered/t\n"
    );
    assert_eq!(world.read("/etc/app/key"), TEXT);
    assert_eq!(world.read("/etc/app/t.conf"), "x");
}

#[test]
fn a_path_that_is_the_secrets_own_place_makes_no_link() {
    let Some(world) = World::system() else { return };
    world.install(&at(&world, "/run/secrets/a"));
    assert_eq!(world.tree("/run/secrets.d/1"), format!("0400 0:0 a \"{TEXT}\"\n"));
}

#[test]
fn a_path_inside_the_published_tree_under_another_name_survives_later_runs() {
    let Some(world) = World::system() else { return };
    for generation in 1..=3 {
        let said = world.install(&at(&world, "/run/secrets/deep/foo-key"));
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
        assert_eq!(world.shell("readlink /run/secrets"), format!("/run/secrets.d/{generation}\n"));
        assert_eq!(world.read("/run/secrets/deep/foo-key"), TEXT);
    }
}

#[test]
fn an_existing_file_at_a_path_is_moved_aside_with_a_message() {
    let Some(world) = World::system() else { return };
    world.shell("echo precious > /etc/key; chmod 640 /etc/key; chown 1000:60 /etc/key");
    let said = world.install(&at(&world, "/etc/key"));
    assert_eq!(
        said.err,
        "warning: /etc/key was moved to /etc/key.sops-backup, because a link belongs in its place\n"
    );
    assert_eq!(world.read("/etc/key"), TEXT);
    assert_eq!(world.shell("stat -c '%a %u:%g' /etc/key.sops-backup"), "640 1000:60\n");
    assert_eq!(world.read("/etc/key.sops-backup"), "precious\n");

    world.shell("rm /etc/key; echo again > /etc/key");
    let said = world.install(&at(&world, "/etc/key"));
    assert_eq!(
        said.err,
        "warning: /etc/key was moved to /etc/key.sops-backup.1, because a link belongs in its place\n"
    );
    assert_eq!(world.read("/etc/key.sops-backup"), "precious\n");
    assert_eq!(world.read("/etc/key.sops-backup.1"), "again\n");
}

#[test]
fn a_directory_at_a_path_is_an_error_that_leaves_the_live_generation() {
    let Some(world) = World::system() else { return };
    world.install(&at(&world, ""));
    world.shell("mkdir /etc/key; echo x > /etc/key/file");
    let tree = world.tree("/run");
    let said = world.run(&at(&world, "/etc/key"));
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "error: secret \"a\": cannot link /etc/key: a directory is there; move it away, or choose another path\n"
    );
    assert_eq!(world.tree("/run"), tree);
    assert_eq!(world.read("/etc/key/file"), "x\n");
}

#[test]
fn a_directory_at_a_path_does_not_keep_a_fresh_system_from_its_secrets() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/key");
    let said = world.run(&at(&world, "/etc/key"));
    assert_eq!(said.code, Some(3));
    assert_eq!(
        said.err,
        "error: secret \"a\": cannot link /etc/key: a directory is there; move it away, or choose another path\n"
    );
    assert_eq!(world.read("/run/secrets/a"), TEXT);
}

#[test]
fn what_another_user_puts_in_the_way_of_a_path_does_not_stop_an_update() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /run/home/alice; chown 1000:1000 /run/home/alice; mkdir -m 1777 /run/shared");
    for path in ["/run/home/alice/key", "/run/shared/key"] {
        world.install(&at(&world, path));
        let generation = world.shell("readlink /run/secrets");
        world.shell(&format!("rm {path}; mkdir {path}; chown 1000 {path}"));
        let error =
            format!("error: secret \"a\": cannot link {path}: a directory is there; move it away, or choose another path\n");
        for dry in ["dry-activate", ""] {
            let said = world.run_with(&at(&world, path), |command| command.env("NIXOS_ACTION", dry));
            assert_eq!((said.code, said.err.as_str()), (Some(3), error.as_str()), "{dry}");
        }
        assert_ne!(world.shell("readlink /run/secrets"), generation);
    }
}

#[test]
fn what_root_puts_in_the_way_of_a_path_stops_a_dry_run_too() {
    let Some(world) = World::system() else { return };
    world.install(&at(&world, ""));
    // Other users can write to a sticky directory too, but they cannot replace the files of root there.
    world.shell("mkdir -p -m 1777 /run/shared; mkdir /run/shared/key");
    for dry in ["dry-activate", ""] {
        let said = world.run_with(&at(&world, "/run/shared/key"), |command| command.env("NIXOS_ACTION", dry));
        assert_eq!(said.code, Some(1), "{dry}");
    }
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
}

#[test]
fn a_link_of_ours_at_a_path_is_replaced_without_a_word() {
    let Some(world) = World::system() else { return };
    for target in ["/run/secrets/old", "/run/secrets.d/7/a"] {
        world.shell(&format!("ln -sfn {target} /etc/key"));
        assert_eq!(world.install(&at(&world, "/etc/key")).err, "");
    }
}

#[test]
fn another_link_at_a_path_is_replaced_in_one_step() {
    let Some(world) = World::system() else { return };
    if !has("strace") {
        return;
    }
    world.shell("ln -s /etc/passwd /etc/key");
    let (said, calls) = world.trace(
        &at(&world, "/etc/key"),
        &["-y", "-e", "trace=unlink,unlinkat,rename,renameat,renameat2"],
        &[],
    );
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(0), "warning: /etc/key was replaced; it was a symlink to /etc/passwd\n")
    );
    assert_eq!(world.read("/etc/key"), TEXT);
    assert!(
        world.read("/etc/passwd").starts_with("root:"),
        "what the old link pointed to is untouched"
    );
    let of_key: Vec<_> = calls
        .iter()
        .filter(|call| call.succeeded() && call.arguments.contains("\"key\""))
        .collect();
    assert!(of_key.iter().all(|call| call.name == "renameat2"), "{of_key:?}");
    assert_eq!(of_key.len(), 1, "{of_key:?}");
}

#[test]
fn missing_parents_belong_to_the_owner_of_the_nearest_existing_one() {
    let Some(world) = World::system() else { return };
    let home = world.input("home");
    std::fs::create_dir(&home).unwrap();
    chown(&home, Some(ALICE), Some(ALICE)).unwrap();
    let path = home.join(".config/app/key");
    world.install(&at(&world, path.to_str().unwrap()));
    let tree = world.shown(&crate::common::tree(&home));
    assert_eq!(
        tree,
        "0755 1000:1000 .config/\n0755 1000:1000 .config/app/\nlink 0:0 .config/app/key -> /run/secrets/a\n"
    );
}

#[test]
fn a_symlink_of_another_user_is_not_followed_to_a_path() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /run/home/alice; chown 1000:1000 /run/home/alice; ln -s /etc /run/home/alice/dir; chown -h 1000 /run/home/alice/dir");
    let etc = world.tree("/etc");
    let said = world.run(&at(&world, "/run/home/alice/dir/key"));
    assert_eq!(said.code, Some(3));
    assert_eq!(
        said.err,
        "error: secret \"a\": cannot safely reach /run/home/alice/dir/key: on the way, /run/home/alice/dir is a symlink to a directory of somebody else, and uid 1000 can change this symlink; \
         replace the symlink with a directory, or declare the path that the symlink leads to\n"
    );
    assert_eq!(world.tree("/etc"), etc);
}

#[test]
fn what_was_moved_aside_is_said_after_a_failure_too() {
    let Some(world) = World::system() else { return };
    if !has("strace") {
        return;
    }
    world.shell("echo precious > /run/secrets.sops-new");
    let manifest = world.manifest().secret("a", &world.fixture("text.bin"), "");
    let (said, _) = world.trace(
        &manifest,
        &["-e", "trace=symlinkat", "-e", "inject=symlinkat:error=ENOSPC"],
        &[],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    let warning = "warning: /run/secrets was moved to /run/secrets.sops-backup, because a link belongs in its place\n";
    assert!(said.err.starts_with(warning), "{said:?}");
    assert_eq!(world.read("/run/secrets.sops-backup"), "precious\n");
}

#[test]
fn a_dry_run_of_what_would_be_refused_promises_nothing() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    world.install(&world.manifest().secret("b", &file, "database/host"));
    world.shell("mkdir -p /etc/app/key /run/nixos");
    let fields = serde_json::json!({"path": "/etc/app/key", "restartUnits": ["a.service"]});
    let manifest = world.manifest().secret_with("a", &file, "database/host", fields);
    let before = world.tree("/run");
    let dry = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((dry.code, dry.out.as_str()), (Some(1), ""), "{dry:?}");
    assert_eq!(world.tree("/run"), before, "no list of units was written");
    let real = world.run(&manifest);
    assert_eq!((real.code, real.err), (dry.code, dry.err));
}
