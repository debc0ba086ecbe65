//! What was made outside the mount point goes with its secret, and nothing else goes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::common::{Call, Manifest, Said, World, mark};

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

/// As after a restart of a machine with one disk: as if no file system were mounted there.
fn restart_with_one_disk(world: &World) {
    restart(world);
    let mut ledger = ledger(world);
    for kind in ["links", "directories"] {
        for entry in ledger[kind].as_object_mut().unwrap().values_mut() {
            entry.as_object_mut().unwrap().remove("mounted");
        }
    }
    world.shell(&format!("echo '{ledger}' > {LEDGER}"));
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
            restart_with_one_disk(&world);
        }
        let said = install(&world, &["/etc/app/b"]);
        assert_eq!(said.err, "");
        assert_eq!(
            left(&world),
            "d /etc/app \nl /etc/app/b /run/secrets/s0\n",
            "after a restart: {restarts}"
        );
        if restarts {
            restart_with_one_disk(&world);
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
    restart_with_one_disk(&world);
    let said = install(&world, &[]);
    assert_eq!(
        said.err,
        "warning: /etc/app/key.sops-backup was moved back to /etc/app/key, because no secret has this path any more\n"
    );
    assert_eq!(world.tree("/etc/app"), before);
}

#[test]
fn the_last_file_that_was_moved_aside_is_put_back_whatever_became_of_earlier_ones() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo first > /etc/app/key");
    install(&world, &["/etc/app/key"]);
    world.shell("rm /etc/app/key; echo second > /etc/app/key");
    install(&world, &["/etc/app/key"]);
    world.shell("rm /etc/app/key.sops-backup");
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \nf /etc/app/key \n");
    assert_eq!(world.read("/etc/app/key"), "second\n");
}

#[test]
fn what_was_moved_aside_is_put_back_though_somebody_has_removed_the_link() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo precious > /etc/app/key");
    install(&world, &["/etc/app/key"]);
    world.shell("rm /etc/app/key");
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \nf /etc/app/key \n");
}

/// What somebody does to what we made, and what has to be there when the secret is gone.
const REPLACED: &[(&str, &str, &str)] = &[
    (
        "a link of somebody else that leads to the same place",
        "rm key; ln -s /run/secrets/s0 key",
        "l key /run/secrets/s0",
    ),
    ("a file in place of the link", "rm key; echo mine > key", "f key "),
    (
        "another link in place of the link",
        "ln -sfn /run/secrets/other key",
        "l key /run/secrets/other",
    ),
    ("a directory in place of the link", "rm key; mkdir key", "d key "),
    ("a file beside the link", "echo mine > file", "f file "),
    (
        "the directory is another one, with a link of somebody else",
        "mkdir new; cp -P key new; cd ..; mv app old; mv old/new app; rm -r old",
        "l key /run/secrets/s0",
    ),
    (
        "the backup is in another directory now",
        "mkdir new; mv key key.sops-backup new; cd ..; mv app old; mv old/new app; rm -r old",
        "f key.sops-backup ",
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
    world.shell("mkdir /etc/app; echo precious > /etc/app/key; chmod 640 /etc/app/key; chown alice:web /etc/app/key");
    install(&world, &["/etc/app/key", "/etc/app/dir/key", "/run/secrets/inside"]);
    let mark = |path: &str| mark(&world.path(path));
    let ledger = ledger(&world);
    let since = ledger["directories"]["/etc/app/dir"]["since"].clone();
    assert_eq!(
        ledger,
        json!({
            "version": 1,
            "link": "/run/secrets",
            "links": {
                "/etc/app/dir/key": {
                    "declared": "/etc/app/dir/key", "mounted": "/etc",
                    "made": {"target": "/run/secrets/s1", "mark": mark("/etc/app/dir/key")},
                },
                "/etc/app/key": {
                    "declared": "/etc/app/key", "mounted": "/etc",
                    "made": {"target": "/run/secrets/s0", "mark": mark("/etc/app/key")},
                    "backup": {"file": mark("/etc/app/key.sops-backup"), "directory": mark("/etc/app")},
                },
            },
            "directories": {"/etc/app/dir": {"mark": mark("/etc/app/dir"), "since": since, "mounted": "/etc"}},
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
        "ledger-run-secrets_-for_-users.json\nledger.json\n"
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
    // The inode numbers in the ledger may look like values of the fixtures.
    world.allow_input("home/.local/state/sops-nix");
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
fn a_user_has_one_ledger_whatever_their_session_says() {
    let world = World::user();
    world.allow_input("home/.local/state/sops-nix");
    let home = world.input("home").display().to_string();
    let text = world.fixture("text.bin");
    let empty = world.manifest().with("version", 1);
    let full = empty
        .clone()
        .secret_with("a", &text, "", json!({"path": format!("{home}/app/key")}));
    for (manifest, state) in [(&full, "elsewhere"), (&empty, ".local/state")] {
        let said = world.run_with(manifest, |command| {
            command.env("HOME", &home).env("XDG_STATE_HOME", format!("{home}/{state}"))
        });
        assert_eq!((said.code, said.err.contains("ledger")), (Some(0), false), "{said:?}");
    }
    assert_eq!(world.shell("ls home"), "", "the link is gone with its directory");
}

#[test]
fn the_ledger_of_a_home_that_was_moved_begins_anew() {
    let world = World::user();
    world.allow_input("moved/.local/state/sops-nix");
    let text = world.fixture("text.bin");
    let run = |home: &str, names: &[&str]| {
        let home = world.input(home).display().to_string();
        let empty = world
            .manifest()
            .with("version", 1)
            .with("symlinkPath", format!("{home}/.config/sops-nix/secrets"));
        let manifest = names.iter().fold(empty, |manifest, name| {
            manifest.secret_with(name, &text, "", json!({"path": format!("{home}/app/{name}")}))
        });
        let said = world.run_with(&manifest, |command| command.env("HOME", home));
        assert_eq!(said.code, Some(0), "{said:?}");
        said.err
    };
    run("home", &["a", "b"]);
    world.shell("mv home moved");
    let told = run("moved", &["a"]);
    let said = "warning: the ledger $DIR/moved/.local/state/sops-nix/ledger.json was that of an installation in $DIR/home/.config/sops-nix/secrets, and begins anew now; links that lead there stay; to find those in a directory, run: find DIRECTORY -lname '$DIR/home/.config/sops-nix/secrets/*'\n";
    assert!(told.ends_with(said), "{told}");
    assert!(!run("moved", &["a"]).contains("ledger"), "told once");
    assert!(!run("moved", &[]).contains("ledger"));
    assert_eq!(world.shell("ls moved/app"), "b\n", "what the new ledger has is gone");
    let old = world.input("home/.config/sops-nix/secrets");
    let found = world.shell(&format!("find moved -lname '{}/*'", old.display()));
    assert_eq!(found, "moved/app/b\n", "the command of the message finds the rest");
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
                "cannot read the ledger {LEDGER}: EOF while parsing an object at line 2 column 0; {stays}; remove the ledger; the next run begins a new one, which knows only the links that are made from then on"
            ),
        ),
        (
            // A later version may have other fields.
            r#"{"version": 2, "made": []}"#,
            format!(
                "the ledger {LEDGER} has version 2, which this program does not know; {stays}; use the version of this program that wrote the ledger, or remove the ledger"
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
fn a_ledger_that_others_can_have_written_counts_for_nothing() {
    let stays = "so what belongs to former secrets stays";
    let remove = "remove this ledger; the next run begins a new one, which knows only the links that are made from then on";
    let directory = "if the ledger has to be on another file system, put the whole directory /var/lib/sops-nix there";
    for (change, cause) in [
        (
            "chown alice ledger.json",
            format!("other users can have written the ledger {LEDGER}; {stays}; {remove}"),
        ),
        (
            "chmod 660 ledger.json",
            format!("other users can have written the ledger {LEDGER}; {stays}; {remove}"),
        ),
        (
            "mv ledger.json real; ln -s real ledger.json",
            format!(
                "the ledger {LEDGER} is a symlink, a mount point or no file; {stays}; move it away, or unmount it; {directory}"
            ),
        ),
        (
            "rm ledger.json; mkdir ledger.json",
            format!(
                "the ledger {LEDGER} is a symlink, a mount point or no file; {stays}; move it away, or unmount it; {directory}"
            ),
        ),
        (
            "mv ledger.json ../kept; touch ledger.json; mount --bind ../kept ledger.json",
            format!(
                "the ledger {LEDGER} is a symlink, a mount point or no file; {stays}; move it away, or unmount it; {directory}"
            ),
        ),
        (
            "rm ledger.json; mkfifo ledger.json",
            format!(
                "the ledger {LEDGER} is a symlink, a mount point or no file; {stays}; move it away, or unmount it; {directory}"
            ),
        ),
    ] {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/key"]);
        world.shell(&format!("cd /var/lib/sops-nix; {change}"));
        assert_eq!(install(&world, &[]).err, format!("warning: {cause}\n"), "{change}");
        assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/s0\n", "{change}");
    }
}

#[test]
fn a_ledger_decides_only_about_what_this_installation_can_have_made() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir /etc/app; ln -s /etc/passwd /etc/app/a; ln -s /run/secrets/../x /etc/app/b; ln -s /run/secrets-old/x /etc/app/c",
    );
    let names = ["a", "b", "c"];
    let marks = names.map(|name| mark(&world.path(&format!("/etc/app/{name}"))));
    let link = |which: usize, target: &str| json!({"declared": "/etc/app/x", "made": {"target": target, "mark": marks[which]}});
    let links = json!({
        "/etc/app/a": link(0, "/etc/passwd"), "/etc/app/b": link(1, "/run/secrets/../x"), "/etc/app/c": link(2, "/run/secrets-old/x"),
        "/etc/../etc/app/a": link(0, "/etc/passwd"), "etc/app": link(0, "/run/secrets/x"),
    });
    let text = json!({"version": 1, "link": "/run/secrets", "links": links, "directories": {"/": {"since": 0}}});
    let before = left(&world);
    world.shell(&format!(
        "mkdir /var/lib/sops-nix; echo '{text}' > {LEDGER}; chmod 600 {LEDGER}"
    ));
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(left(&world), before);
    assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
}

/// What the warning about a read-only file system says.
fn read_only(path: &str) -> String {
    format!(
        "warning: cannot remove the link {path}: read-only file system; so {path} stays, which belongs to a former secret; if it is still there, remove it as a user who may write there; run: rm {path}\n"
    )
}

#[test]
fn what_cannot_be_removed_is_told_once_and_removed_when_that_is_possible() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs tmpfs /etc/app");
    install(&world, &["/etc/app/dir/key", "/etc/app/key"]);
    world.shell("mount -o remount,ro /etc/app");
    assert_eq!(install(&world, &["/etc/app/dir/key"]).err, read_only("/etc/app/key"));
    assert_eq!(install(&world, &["/etc/app/dir/key"]).err, "", "told once");
    // One removes what is named, by the command of the message; the program removes the other.
    assert_eq!(install(&world, &[]).err, read_only("/etc/app/dir/key"));
    world.shell("mount -o remount,rw /etc/app; rm /etc/app/dir/key");
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(left(&world), "d /etc/app \n");
    assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
}

#[test]
fn what_is_on_a_file_system_that_is_not_mounted_is_not_forgotten() {
    for early in [false, true] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir /etc/app /run/away; mount -t tmpfs tmpfs /etc/app");
        let run = |paths: &[&str]| {
            let manifest = world.save(&manifest(&world, paths));
            let manifest = manifest.to_str().unwrap();
            let said = world.run_arguments(if early {
                vec!["-ignore-passwd", manifest]
            } else {
                vec![manifest]
            });
            assert_eq!(said.code, Some(0), "{said:?}");
            said.err
        };
        run(&["/etc/app/dir/key"]);
        world.shell("mount --move /etc/app /run/away");
        let told = "warning: /etc/app/dir/key belongs to a former secret, but nothing is mounted at /etc/app; mount its file system, and run this again\n";
        // More is mounted after the early phase.
        assert_eq!(run(&[]), if early { "" } else { told });
        assert_eq!(run(&[]), "", "told once");
        world.shell("mount --move /run/away /etc/app");
        assert_eq!(run(&[]), "");
        assert_eq!(left(&world), "d /etc/app \n", "early: {early}");
        assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
    }
}

#[test]
fn what_somebody_has_removed_is_forgotten_at_once() {
    for (change, said) in [
        ("rm -r /etc/app", ""),
        ("rm -r /etc/app; echo mine > /etc/app", ""),
        (
            "mv /etc/app /etc/moved; ln -s moved /etc/app",
            "warning: the link /etc/app/dir/key belonged to a former secret, but /etc/app is a symlink now; so the link is forgotten; if the link is still there, run: rm /etc/app/dir/key\n",
        ),
    ] {
        for flags in [&[][..], &["-ignore-passwd"]] {
            let Some(world) = World::system() else { return };
            install(&world, &["/etc/app/dir/key"]);
            world.shell(change);
            let manifest = world.save(&manifest(&world, &[]));
            let run = world.run_arguments(flags.iter().copied().chain([manifest.to_str().unwrap()]));
            assert_eq!((run.code, run.err.as_str()), (Some(0), said), "{change}");
            assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
        }
    }
}

#[test]
fn no_user_can_stop_the_removal_of_what_is_not_theirs() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /etc/alice; chown alice /etc/alice");
    install(&world, &["/etc/alice/dir/key", "/etc/app/key"]);
    world.shell("rm -r /etc/alice/dir; ln -s /etc /etc/alice/dir; chown -h alice /etc/alice/dir");
    let said = world.run(&manifest(&world, &["/etc/alice/dir/key"]));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("cannot safely reach /etc/alice/dir/key"), "{said:?}");
    assert_eq!(left(&world), "", "the link of another secret is gone");
    world.shell("rm /etc/alice/dir");
    install(&world, &["/etc/alice/dir/key"]);
    install(&world, &[]);
    assert_eq!(world.shell("ls -A /etc/alice"), "", "what belongs to the user goes later");
}

#[test]
fn a_directory_stays_unless_it_is_exactly_the_one_that_was_made() {
    for change in [
        "chown alice app",
        "chgrp web app",
        "chmod 750 app",
        "mkdir new; mv app old; mv new app",
    ] {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/key"]);
        world.shell(&format!("cd /etc; {change}"));
        assert_eq!(install(&world, &[]).err, "", "{change}");
        assert_eq!(left(&world).lines().next(), Some("d /etc/app "), "{change}");
        assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
    }
}

#[test]
fn a_file_with_the_same_inode_number_is_another_one_if_it_was_made_later() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo precious > /etc/app/key");
    install(&world, &["/etc/app/key", "/etc/app/dir/key", "/etc/app/other"]);
    let mut changed = ledger(&world);
    for mark in [
        "/links/~1etc~1app~1key/backup/file",
        "/links/~1etc~1app~1other/made/mark",
        "/directories/~1etc~1app~1dir/mark",
    ] {
        changed.pointer_mut(mark).unwrap()["born"][0] = json!(1_000_000_000);
    }
    world.shell(&format!("echo '{changed}' > {LEDGER}"));
    install(&world, &[]);
    assert_eq!(
        left(&world),
        "d /etc/app \nd /etc/app/dir \nf /etc/app/key.sops-backup \nl /etc/app/other /run/secrets/s2\n"
    );
}

/// The ledger of a run that was killed before it made the directory `/etc/app` and a link, so many seconds ago.
fn killed(world: &World, ago: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let since = now - ago;
    let link = json!({"declared": "/etc/app/key", "making": {"target": "/run/secrets/s0", "since": since}});
    let text = json!({"version": 1, "link": "/run/secrets", "links": {"/etc/app/key": link}, "directories": {"/etc/app": {"since": since}}});
    world.shell(&format!(
        "mkdir /var/lib/sops-nix; echo '{text}' > {LEDGER}; chmod 600 {LEDGER}"
    ));
}

#[test]
fn what_a_killed_run_did_not_make_stays() {
    let all = "d /etc/app \nl /etc/app/key /run/secrets/s0\n";
    for (ago, expected) in [(3600, all), (0, "")] {
        let Some(world) = World::system() else { return };
        killed(&world, ago);
        world.shell("mkdir /etc/app; ln -s /run/secrets/s0 /etc/app/key");
        assert_eq!(install(&world, &[]).err, "");
        assert_eq!(left(&world), expected, "{ago} s");
        assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
    }
}

#[test]
fn a_directory_that_a_run_intended_and_did_not_make_is_forgotten_by_that_run() {
    let Some(world) = World::system() else { return };
    // The directory is made while the run goes on, by somebody else.
    world.shell("mkdir /etc/app; chattr +i /etc/app 2>/dev/null || mount -o remount,ro /etc");
    let said = world.run(&manifest(&world, &["/etc/app/dir/key"]));
    assert_eq!(said.code, Some(3), "{said:?}");
    world.shell("chattr -i /etc/app 2>/dev/null || mount -o remount,rw /etc; mkdir /etc/app/dir");
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \nd /etc/app/dir \n");
}

#[test]
fn a_place_keeps_its_backup_and_its_directories_whatever_path_leads_there() {
    for other in [
        "ln -s /etc/app /etc/other",
        "mkdir /etc/other; mount --bind /etc/app /etc/other",
    ] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir -m 755 /etc/app; echo precious > /etc/app/key");
        let before = world.tree("/etc/app");
        install(&world, &["/etc/app/key", "/etc/app/dir/key"]);
        world.shell(other);
        assert_eq!(install(&world, &["/etc/other/key", "/etc/other/dir/key"]).err, "", "{other}");
        assert_eq!(
            install(&world, &[]).err.replace("/etc/other/", "/etc/app/"),
            "warning: /etc/app/key.sops-backup was moved back to /etc/app/key, because no secret has this path any more\n",
            "{other}"
        );
        assert_eq!(world.tree("/etc/app"), before, "{other}");
        assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
    }
}

#[test]
fn what_was_moved_aside_stays_aside_if_something_else_is_in_its_place() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -m 755 /etc/app; echo precious > /etc/app/key");
    let early = |paths: &[&str]| {
        let manifest = manifest(&world, paths)
            .with("secretsMountPoint", "/run/secrets-for-users.d")
            .with("symlinkPath", "/run/secrets-for-users");
        world.install(&manifest)
    };
    install(&world, &["/etc/app/key"]);
    early(&["/etc/app/key"]);
    assert_eq!(
        install(&world, &[]).err,
        "warning: /etc/app/key.sops-backup stays, although no secret has the path /etc/app/key any more: something else is there\n"
    );
    let left_by = |link: &str| format!("d /etc/app \nf /etc/app/key.sops-backup \n{link}");
    let early_link = "l /etc/app/key /run/secrets-for-users/s0\n";
    assert_eq!(left(&world), left_by(early_link), "the link belongs to the other phase");
    early(&[]);
    assert_eq!(left(&world), left_by(""));
    assert_eq!(world.read("/etc/app/key.sops-backup"), "precious\n");
    assert_eq!(world.shell("ls /var/lib/sops-nix"), "", "nothing is left to remember");
}

#[test]
fn a_link_that_was_there_before_the_ledger_is_not_ours() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; ln -s /run/secrets/s0 /etc/app/key");
    install(&world, &["/etc/app/key"]);
    assert_eq!(world.shell("ls -A /var/lib"), "", "there is nothing to remember");
    install(&world, &[]);
    assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/s0\n");
}

#[test]
fn a_link_that_leads_elsewhere_now_is_still_ours() {
    let Some(world) = World::system() else { return };
    let named = |name: &str| {
        let manifest = world.manifest().with("version", 1);
        world.install(&manifest.secret_with(name, &world.fixture("text.bin"), "", json!({"path": "/etc/app/key"})));
    };
    named("a");
    named("b");
    assert_eq!(left(&world), "d /etc/app \nl /etc/app/key /run/secrets/b\n");
    install(&world, &[]);
    assert_eq!(left(&world), "");
}

#[test]
fn a_boot_leaves_what_is_on_other_file_systems_to_a_later_run() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs tmpfs /etc/app");
    install(&world, &["/etc/app/dir/key"]);
    // A restart unmounts what is in memory, and mounts disks again.
    restart(&world);
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(
        left(&world),
        "d /etc/app \nd /etc/app/dir \nl /etc/app/dir/key /run/secrets/s0\n"
    );
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(left(&world), "d /etc/app \n");
}

/// Runs the program while each call `call` on one of these paths takes so many seconds.
fn late(world: &World, manifest: &Manifest, call: &str, paths: &[&str], seconds: u32) -> (Said, Duration) {
    let mut command = world.command("strace");
    let delay = format!("inject={call}:delay_enter={seconds}s");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &delay]);
    for path in paths {
        command.arg("-P").arg(world.path(path));
    }
    command.arg(world.executable()).arg(world.save(manifest));
    let start = Instant::now();
    let mut said = world.finish(&mut command);
    let lines = said.err.lines().filter(|line| !line.starts_with("strace: "));
    said.err = lines.flat_map(|line| [line, "\n"]).collect();
    (said, start.elapsed())
}

#[test]
fn a_disk_that_does_not_answer_keeps_no_run_waiting() {
    if !crate::common::has("strace") {
        return;
    }
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/a/key", "/etc/app/b/key"]);
    let (said, time) = late(&world, &manifest(&world, &[]), "unlinkat,renameat2", &["/etc/app/a"], 12);
    let told = "warning: cannot remove the link /etc/app/a/key: its disk or network does not answer; so /etc/app/a/key stays, which belongs to a \
                former secret; if it is still there, remove it as a user who may write there; run: rm /etc/app/a/key\n";
    assert_eq!((said.code, said.err.as_str()), (Some(0), told), "{said:?}");
    assert!(time < Duration::from_secs(40), "{time:?}");
    assert!(left(&world).contains("/etc/app/a/key"), "{}", left(&world));
    assert!(!left(&world).contains("/etc/app/b"), "the other link is gone");
    install(&world, &[]);
    assert_eq!(left(&world), "");
}

#[test]
fn a_ledger_on_a_disk_that_does_not_answer_keeps_no_run_waiting() {
    if !crate::common::has("strace") {
        return;
    }
    let Some(world) = World::system() else { return };
    world.shell("mkdir /var/lib/sops-nix");
    let (said, _) = late(
        &world,
        &manifest(&world, &["/etc/app/key"]),
        "renameat,renameat2",
        &["/var/lib/sops-nix"],
        12,
    );
    let told = format!(
        "warning: cannot use the ledger {LEDGER}: its disk or network does not answer; so what belongs to former secrets stays\n"
    );
    assert_eq!((said.code, said.err), (Some(0), told));
    assert_eq!(world.read("/etc/app/key"), world.read("/run/secrets/s0"));
}

#[test]
fn a_file_with_a_long_name_of_any_script_is_put_back() {
    let Some(world) = World::system() else { return };
    // With the suffix, the name has more than 255 bytes. The cut must not fall into a character.
    let path = format!("/etc/app/k{}", "ä".repeat(124));
    world.shell(&format!("mkdir -m 755 /etc/app; echo precious > '{path}'"));
    let before = world.tree("/etc/app");
    install(&world, &[&path]);
    assert!(install(&world, &[]).err.contains("was moved back to"));
    assert_eq!(world.tree("/etc/app"), before);
}

#[test]
fn a_path_that_is_no_unicode_does_not_keep_other_paths_from_the_ledger() {
    let Some(world) = World::system() else { return };
    world.shell(r#"odd=$(printf '/etc/\377'); mkdir "$odd"; ln -s "$odd" /etc/odd"#);
    assert_eq!(install(&world, &["/etc/app/key", "/etc/odd/dir/key"]).err, "");
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(left(&world), "");
    assert_eq!(world.shell("readlink /etc/odd/dir/key"), "/run/secrets/s1\n");
}

#[test]
fn a_home_that_was_made_for_a_link_stays_by_whatever_path() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mount -t tmpfs -o mode=755 tmpfs /home; ln -s /home /run/alias; sed -i s,:/home/alice,:/run/alias/alice, /etc/passwd",
    );
    install(&world, &["/home/alice/.config/app/key"]);
    install(&world, &[]);
    assert_eq!(world.shell("find /home -mindepth 1 -printf '%p %U\\n'"), "/home/alice 1000\n");
}

#[test]
fn a_dry_run_names_the_links_that_would_go() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key", "/etc/app/other", "/etc/app/replaced"]);
    world.shell("rm /etc/app/replaced; echo mine > /etc/app/replaced");
    let before = (left(&world), world.read(LEDGER));
    let dry = world.run_with(&manifest(&world, &["/etc/app/key"]), |command| {
        command.env("NIXOS_ACTION", "dry-activate")
    });
    assert_eq!(
        (dry.code, dry.err.as_str()),
        (
            Some(0),
            "would remove the link /etc/app/other, because no secret has this path any more\n"
        )
    );
    assert_eq!((left(&world), world.read(LEDGER)), before);
}

#[test]
fn the_ledger_may_be_on_a_file_system_of_its_own() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /var/lib/sops-nix; mount -t tmpfs tmpfs /var/lib/sops-nix");
    assert_eq!(install(&world, &["/etc/app/key"]).err, "");
    assert_eq!(install(&world, &[]).err, "");
    assert_eq!(left(&world), "");
}

#[test]
fn a_ledger_that_cannot_be_written_stops_nobody() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /var/lib/sops-nix; mount -t tmpfs -o ro tmpfs /var/lib/sops-nix");
    let said = install(&world, &["/etc/app/key"]);
    let cause = "cannot write /var/lib/sops-nix/ledger.json: read-only file system";
    let end =
        "so the links of this run stay when their secrets go; make room for the ledger, or mount its file system for writing";
    assert_eq!(said.err, format!("warning: {cause}; {end}\n"));
    assert_eq!(world.read("/etc/app/key"), world.read("/run/secrets/s0"));
    world.shell("mount -o remount,rw /var/lib/sops-nix");
    assert_eq!(install(&world, &["/etc/app/key"]).err, "");
    install(&world, &[]);
    assert_eq!(
        world.shell("find /etc/app -type l"),
        "/etc/app/key\n",
        "nobody knows who has made the link"
    );
}

#[test]
fn what_a_killed_run_has_left_of_a_ledger_is_no_obstacle() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir -p /var/lib/sops-nix; echo { > /var/lib/sops-nix/ledger.json.sops-new");
    assert_eq!(install(&world, &["/etc/app/key"]).err, "");
    assert_eq!(world.shell("ls /var/lib/sops-nix"), "ledger.json\n");
}

#[test]
fn nothing_leaves_the_ledger_before_it_has_left_the_disk() {
    if !crate::common::has("strace") {
        return;
    }
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo precious > /etc/app/key");
    let before = manifest(&world, &["/etc/app/key", "/etc/app/other", "/etc/app/dir/key"]);
    let (said, first) = world.trace(&before, &["-y"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (said, second) = world.trace(&manifest(&world, &[]), &["-y"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let position = |calls: &[Call], name: &str, words: &[&str]| {
        let is_it = |call: &Call| call.name.starts_with(name) && words.iter().all(|word| call.arguments.contains(word));
        calls.iter().rposition(is_it).unwrap_or_else(|| panic!("no {name} {words:?}"))
    };
    // The directory of the ledger is on the disk before the first link is made.
    let synced = position(&first, "fsync", &["/var/lib>"]);
    assert!(synced < position(&first, "symlinkat", &["\"/run/secrets/s0\""]));
    let forgotten = position(&second, "unlinkat", &["\"ledger.json\""]);
    for (name, words) in [
        ("unlinkat", &["/etc/app>", "\"key.sops-backup\""][..]),
        ("unlinkat", &["/etc/app>", "\"other.sops-new\""]),
        ("unlinkat", &["/etc/app>", "\"dir\"", "AT_REMOVEDIR"]),
    ] {
        let removed = position(&second, name, words);
        let synced = second[removed..]
            .iter()
            .position(|call| call.name == "fsync" && call.arguments.contains("/etc/app>"));
        assert!(synced.is_some_and(|later| removed + later < forgotten), "{words:?}");
    }
}
