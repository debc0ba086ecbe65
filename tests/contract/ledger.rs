//! What was made outside the mount point goes with its secret, and nothing else goes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use crate::common::{Manifest, Said, World};

const LEDGER: &str = "/var/lib/sops-nix/ledger.json";

/// A manifest with a secret at each of these declared paths, named after its position.
fn manifest(world: &World, paths: &[&str]) -> Manifest {
    let text = world.fixture("text.bin");
    let empty = world.manifest().with("version", 1);
    paths.iter().enumerate().fold(empty, |manifest, (number, path)| {
        manifest.secret_with(&format!("s{number}"), &text, "", json!({ "path": path }))
    })
}

fn install(world: &World, paths: &[&str]) -> Said {
    world.install(&manifest(world, paths))
}

/// As after a restart of the machine: what is in memory is gone.
fn restart(world: &World) {
    world.shell("umount /run/secrets.d; rm -r /run/secrets.d /run/secrets");
}

fn ledger(world: &World) -> Value {
    serde_json::from_str(&world.read(LEDGER)).unwrap()
}

/// Kind, owner, name and target of all below `/etc/app`.
fn left(world: &World) -> String {
    world.shell("if [ -e /etc/app ]; then find /etc/app -printf '%y %p %l\\n' | sort; fi")
}

#[test]
fn a_secret_that_is_gone_takes_its_link_and_its_directories_along() {
    for restarts in [false, true] {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/a/key", "/etc/app/b"]);
        if restarts {
            restart(&world);
        }
        let said = install(&world, &["/etc/app/b"]);
        assert_eq!(said.err, "");
        assert_eq!(
            left(&world),
            "d /etc/app \nl /etc/app/b /run/secrets/s0\n",
            "after a restart: {restarts}"
        );
        if restarts {
            restart(&world);
        }
        assert_eq!(install(&world, &[]).err, "");
        assert_eq!(left(&world), "", "after a restart: {restarts}");
        assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
    }
}

#[test]
fn a_path_that_is_renamed_leaves_nothing_behind() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/old/key"]);
    install(&world, &["/etc/app/new/key"]);
    assert_eq!(
        left(&world),
        "d /etc/app \nd /etc/app/new \nl /etc/app/new/key /run/secrets/s0\n"
    );
    // The same place by another path is the same link.
    world.shell("ln -s /etc/app /etc/other");
    install(&world, &["/etc/other/new/key"]);
    assert_eq!(
        left(&world),
        "d /etc/app \nd /etc/app/new \nl /etc/app/new/key /run/secrets/s0\n"
    );
}

#[test]
fn what_was_moved_aside_is_put_back_when_the_secret_goes() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo precious > /etc/app/key; chmod 640 /etc/app/key; chown alice:web /etc/app/key");
    let before = world.tree("/etc/app");
    install(&world, &["/etc/app/key"]);
    restart(&world);
    let said = install(&world, &[]);
    assert_eq!(
        said.err,
        "warning: /etc/app/key.sops-backup was moved back to /etc/app/key, because no secret has this path any more\n"
    );
    assert_eq!(world.tree("/etc/app"), before);
}

/// What somebody does to what we made, and what has to be there when the secret is gone.
const REPLACED: &[(&str, &str, &str)] = &[
    ("a file in place of the link", "rm key; echo mine > key", "f key "),
    (
        "another link in place of the link",
        "ln -sfn /run/secrets/other key",
        "l key /run/secrets/other",
    ),
    ("a directory in place of the link", "rm key; mkdir key", "d key "),
    ("a file beside the link", "echo mine > file", "f file "),
    (
        "the directory is another one",
        "mkdir new; cp -P key new; cd ..; mv app old; mv old/new app; rm -r old",
        "",
    ),
    (
        "another backup",
        "rm key.sops-backup; echo mine > ../x; mv ../x key.sops-backup",
        "f key.sops-backup ",
    ),
];

#[test]
fn what_was_replaced_since_is_never_touched() {
    for (what, change, stays) in REPLACED {
        let Some(world) = World::system() else { return };
        if what.contains("backup") {
            world.shell("mkdir /etc/app; echo theirs > /etc/app/key");
        }
        install(&world, &["/etc/app/key"]);
        world.shell(&format!("cd /etc/app; {change}"));
        assert_eq!(install(&world, &[]).err, "", "{what}");
        let left = world.shell("cd /etc/app; find . -mindepth 1 -printf '%y %P %l\\n' | sort");
        let expected = if stays.is_empty() {
            String::new()
        } else {
            format!("{stays}\n")
        };
        assert_eq!(left, expected, "{what}");
    }
}

#[test]
fn what_was_there_before_stays_when_the_secret_goes() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /etc/app /home/alice && chown alice /home/alice");
    install(&world, &["/etc/app/key"]);
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \n", "the directory was there before");
}

#[test]
fn a_home_that_was_made_for_a_link_stays() {
    let Some(world) = World::system() else { return };
    world.shell("mount -t tmpfs -o mode=755 tmpfs /home");
    install(&world, &["/home/alice/.config/app/key"]);
    install(&world, &[]);
    assert_eq!(world.shell("find /home -mindepth 1 -printf '%p %U\\n'"), "/home/alice 1000\n");
}

#[test]
fn the_ledger_has_paths_and_numbers_and_only_root_can_read_it() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo precious > /etc/app/key");
    install(&world, &["/etc/app/key", "/etc/app/dir/key", "/run/secrets/inside"]);
    let number = |path: &str| fs::symlink_metadata(world.path(path)).unwrap().ino();
    assert_eq!(
        ledger(&world),
        json!({
            "version": 1,
            "link": "/run/secrets",
            "links": {"/etc/app/dir/key": ["/run/secrets/s1"], "/etc/app/key": ["/run/secrets/s0"]},
            "directories": {"/etc/app/dir": number("/etc/app/dir")},
            "backups": {"/etc/app/key": {"path": "/etc/app/key.sops-backup", "inode": number("/etc/app/key.sops-backup")}},
        })
    );
    assert_eq!(
        world.shell("stat -c '%a %U' /var/lib/sops-nix /var/lib/sops-nix/ledger.json"),
        "755 root\n600 root\n"
    );
}

#[test]
fn a_failed_secret_keeps_its_link() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key", "/etc/app/other"]);
    restart(&world);
    let broken = world.altered("nesting.json", "broken.json", "host");
    let text = world.fixture("text.bin");
    let rest = world
        .manifest()
        .with("version", 1)
        .secret_with("s0", &broken, "database/host", json!({"path": "/etc/app/key"}))
        .secret_with("s1", &text, "", json!({"path": "/etc/app/other"}));
    assert_eq!(world.run(&rest).code, Some(3));
    assert_eq!(
        left(&world),
        "d /etc/app \nl /etc/app/key /run/secrets/s0\nl /etc/app/other /run/secrets/s1\n"
    );
}

#[test]
fn installations_do_not_touch_the_links_of_each_other() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"]);
    let early = |paths: &[&str]| {
        let manifest = manifest(&world, paths)
            .with("secretsMountPoint", "/run/secrets-for-users.d")
            .with("symlinkPath", "/run/secrets-for-users");
        world.install(&manifest)
    };
    early(&["/etc/app/early"]);
    early(&[]);
    assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/s0\n");
    early(&["/etc/app/early"]);
    assert_eq!(
        world.shell("ls /var/lib/sops-nix"),
        "ledger-run-secrets-for-users.json\nledger.json\n"
    );
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \nl /etc/app/early /run/secrets-for-users/s0\n");
}

#[test]
fn a_manifest_without_a_version_has_no_ledger() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, &["/etc/app/key"]).without("version"));
    world.install(&manifest(&world, &[]).without("version"));
    assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/s0\n");
    assert_eq!(world.shell("ls -A /var/lib"), "");
}

#[test]
fn the_ledger_of_a_user_is_in_the_state_directory() {
    let world = World::user();
    let home = world.input("home").display().to_string();
    let text = world.fixture("text.bin");
    let empty = world.manifest().with("version", 1);
    let run = |manifest: &Manifest| {
        let said = world.run_with(manifest, |command| command.env("HOME", &home));
        assert_eq!((said.code, said.err.contains("ledger")), (Some(0), false), "{said:?}");
    };
    run(&empty
        .clone()
        .secret_with("a", &text, "", json!({"path": format!("{home}/app/key")})));
    assert_eq!(
        world.shell("ls home/.local/state/sops-nix home/app"),
        "home/.local/state/sops-nix:\nledger.json\n\nhome/app:\nkey\n"
    );
    run(&empty);
    assert_eq!(
        world.shell("ls -A home home/.local/state/sops-nix"),
        "home:\n.config\n.local\n\nhome/.local/state/sops-nix:\n"
    );
}

#[test]
fn a_ledger_that_cannot_be_used_is_left_alone_and_named() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"]);
    let stays = "so what belongs to former secrets stays";
    for (text, cause) in [
        (
            "{",
            format!(
                "cannot read the ledger {LEDGER}: EOF while parsing an object at line 2 column 0; {stays}; remove the ledger; the next run begins a new one, with the links that there are then"
            ),
        ),
        (
            r#"{"version": 2, "link": "/run/secrets", "links": {}, "directories": {}, "backups": {}}"#,
            format!(
                "the ledger {LEDGER} has version 2, which this program does not know; {stays}; use the version of this program that wrote the ledger, or remove the ledger"
            ),
        ),
        (
            r#"{"version": 1, "link": "/run/other", "links": {}, "directories": {}, "backups": {}}"#,
            format!(
                "the ledger {LEDGER} belongs to the installation in /run/other; so what belongs to former secrets here stays; choose another symlinkPath for one of the two installations"
            ),
        ),
    ] {
        world.shell(&format!("echo '{text}' > {LEDGER}"));
        let said = install(&world, &[]);
        assert_eq!(said.err, format!("warning: {cause}\n"));
        assert_eq!(world.read(LEDGER), format!("{text}\n"));
        assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/s0\n");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_stops_nobody() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /var/lib/sops-nix/ledger.json.sops-new/x; mount -t tmpfs -o ro tmpfs /var/lib/sops-nix");
    let said = install(&world, &["/etc/app/key"]);
    let cause = "cannot write /var/lib/sops-nix/ledger.json: read-only file system";
    let end = "so the links of this run stay when their secrets go; make room for the ledger, or mount its file system for writing, and run this again";
    let line = format!("warning: {cause}; {end}\n");
    assert_eq!(said.err, line);
    assert_eq!(world.read("/etc/app/key"), world.read("/run/secrets/s0"));
}
