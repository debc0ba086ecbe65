//! Copies at declared paths (`install = "copy"`), on real file systems.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _},
    os::unix::fs::MetadataExt as _,
};

use serde_json::{Value, json};

use crate::common::{Call, Manifest, Said, World, has, say};

const LEDGER: &str = "/var/lib/sops-nix/ledger.json";

/// A template `t` with this content, a copy of which is at `/etc/app/key`, which is in memory.
fn copied(world: &World, content: &str) -> Manifest {
    copied_with(world, content, json!({}))
}

/// Does what [`copied`] does, with these fields.
fn copied_with(world: &World, content: &str, fields: Value) -> Manifest {
    let all = json!({"path": "/etc/app/key", "install": "copy", "mode": "0640", "uid": 1000, "gid": 60});
    base(world).template("t", content, merged(all, fields))
}

fn merged(mut all: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    all.as_object_mut().unwrap().extend(fields);
    all
}

/// A manifest with another secret.
fn base(world: &World) -> Manifest {
    world.allow("/etc/app");
    world
        .manifest()
        .with("version", 1)
        .secret("stays", &world.fixture("text.bin"), "")
}

/// Installs, and expects nothing on standard error.
fn install(world: &World, manifest: &Manifest) -> Said {
    let said = world.install(manifest);
    assert_eq!(said.err, "", "{said:?}");
    said
}

/// Runs, and expects the exit code 3. Returns what is said.
fn partly(world: &World, manifest: &Manifest) -> String {
    let said = world.run(manifest);
    assert_eq!(said.code, Some(3), "{said:?}");
    said.err
}

/// Mounts a file system that counts as a disk.
fn disk(world: &World, at: &str) {
    world.shell(&format!(
        "mkdir -p {at} /run/lower /run/upper /run/work
         mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work {at}"
    ));
    world.allow("/run/upper");
}

fn has_ledger(world: &World) -> bool {
    world.path(LEDGER).exists()
}

#[test]
fn a_copy_is_a_file_with_the_content_the_mode_and_the_owner() {
    for kind in ["tmpfs", "ramfs"] {
        let Some(world) = World::system() else { return };
        world.shell(&format!("mkdir /etc/app; mount -t {kind} {kind} /etc/app"));
        install(&world, &copied(&world, "one\n"));
        assert_eq!(world.tree("/etc/app"), "0640 1000:60 key \"one\\n\"\n", "{kind}");
        install(
            &world,
            &copied_with(&world, "two\n", json!({"mode": "4711", "uid": 0, "gid": 0})),
        );
        assert_eq!(world.tree("/etc/app"), "4711 0:0 key \"two\\n\"\n", "{kind}");
        // It has the bytes of the secret, and no symlink is made.
        let secret = base(&world).secret_with(
            "s",
            &world.fixture("text.bin"),
            "",
            json!({"path": "/etc/app/key", "install": "copy"}),
        );
        install(&world, &secret);
        assert_eq!(
            world.shell("cmp /etc/app/key /run/secrets/s; stat -c %F:%a:%h /etc/app/key"),
            "regular file:400:1\n"
        );
        let said = install(&world, &base(&world));
        assert_eq!(said.out, "removing secret: s\nremoving copy: /etc/app/key\n");
        assert_eq!(world.tree("/etc/app"), "", "{kind}");
        assert!(!has_ledger(&world));
    }
}

#[test]
fn a_run_that_changes_nothing_writes_nothing() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    let manifest = copied(&world, "one\n");
    install(&world, &manifest);
    let look = || world.shell("find /var/lib/sops-nix /etc/app -printf '%p %i %C@ %T@\\n' | sort");
    let before = look();
    let (said, calls) = world.trace(&manifest, &["-y", "-s", "200"], &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let writes: Vec<_> = calls
        .iter()
        .filter(|call| call.changes() || ["fchmod", "fchown", "fsync", "write", "pwrite64"].contains(&call.name.as_str()))
        .filter(|call| call.arguments.contains("/etc/app") || call.arguments.contains("sops-nix"))
        .filter(|call| !call.arguments.contains(".lock"))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(look(), before);
}

/// A copy on a disk: what is in memory needs no waiting.
#[test]
fn a_copy_is_complete_before_it_has_its_name_and_units_come_after_it() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    disk(&world, "/etc/app");
    let manifest = |content| copied_with(&world, content, json!({"copyToDisk": true, "restartUnits": ["app.service"]}));
    install(&world, &manifest("one\n"));
    let (said, calls) = world.trace(&manifest("two\n"), &["-y", "-s", "200"], &[("NIXOS_ACTION", "switch")]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    // Each step, by the name of the call and words of its arguments.
    let steps: &[(&str, &[&str])] = &[
        ("renameat2", &["\"secrets.sops-new\"", "RENAME_EXCHANGE"]),
        ("openat", &["\"key.sops-new\"", "O_CREAT", "000"]),
        ("fchmod", &["key.sops-new", "0600"]),
        // Before the ledger has the number of the file, the file is on the disk: nobody else's can get that number.
        ("fsync", &["/etc/app>"]),
        ("renameat", &["\"ledger.json\""]),
        ("write", &["key.sops-new", "two"]),
        ("fchown", &["key.sops-new", "1000", "60"]),
        ("fchmod", &["key.sops-new", "0640"]),
        ("fsync", &["key.sops-new"]),
        ("renameat2", &["\"key.sops-new\"", "\"key\"", "RENAME_EXCHANGE"]),
        ("fsync", &["/etc/app>"]),
        ("renameat", &["\"ledger.json\""]),
        ("openat", &["/run/nixos/", "O_WRONLY"]),
    ];
    assert_order(&calls, steps);
    assert_eq!(world.tree("/etc/app"), "0640 1000:60 key \"two\\n\"\n");
    // When it goes, it is overwritten only under a name at which nobody looks for it, and leaves the ledger last.
    let (said, calls) = world.trace(&base(&world), &["-y", "-s", "200"], &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let steps: &[(&str, &[&str])] = &[
        ("renameat2", &["\"key\"", "\"key.sops-new\"", "RENAME_NOREPLACE"]),
        ("fsync", &["/etc/app>"]),
        ("pwrite64", &["key.sops-new"]),
        ("fsync", &["key.sops-new"]),
        ("unlinkat", &["\"key.sops-new\""]),
        ("fsync", &["/etc/app>"]),
        ("unlinkat", &["\"ledger.json\""]),
        ("fsync", &["/var/lib/sops-nix>"]),
    ];
    assert_order(&calls, steps);
    assert_eq!(world.tree("/etc/app"), "");
}

/// Checks that calls of these names, with these words in their arguments, come in this order.
fn assert_order(calls: &[Call], steps: &[(&str, &[&str])]) {
    let mut rest = calls.iter();
    for (name, words) in steps {
        let found = rest.find(|call| {
            let is_it = call.name == *name || (*name == "renameat" && call.name == "renameat2");
            is_it && words.iter().all(|word| call.arguments.contains(word))
        });
        assert!(found.is_some(), "{name} {words:?} is missing, or too early: {calls:#?}");
    }
}

/// The directory of the ledger and all above it may be new, too: they are on the disk before the ledger names anything.
#[test]
fn a_new_directory_of_the_ledger_is_on_the_disk_first() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    let (said, calls) = world.trace(&copied(&world, "one\n"), &["-y", "-s", "200"], &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let steps: &[(&str, &[&str])] = &[
        ("renameat2", &["\"sops-nix.sops-new\"", "\"sops-nix\""]),
        ("fsync", &["/var/lib>"]),
        ("fsync", &["/var>"]),
        ("fsync", &["</>"]),
        ("renameat", &["\"ledger.json\""]),
        ("openat", &["\"key.sops-new\"", "O_CREAT"]),
    ];
    assert_order(&calls, steps);
}

#[test]
fn who_holds_an_old_copy_still_reads_it() {
    let Some(world) = World::system() else { return };
    install(&world, &copied(&world, "one\n"));
    let mut old = File::open(world.path("/etc/app/key")).unwrap();
    install(&world, &copied(&world, "two\n"));
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), world.read("/etc/app/key").as_str()), ("one\n", "two\n"));
}

#[test]
fn a_copy_that_goes_is_overwritten() {
    let link = json!({"install": "link"});
    let moved = json!({"path": "/etc/app/other"});
    for (what, fields) in [("becomes a link", Some(link)), ("moves", Some(moved)), ("goes", None)] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir /etc/app");
        install(&world, &copied(&world, "one\n"));
        let mut old = File::open(world.path("/etc/app/key")).unwrap();
        let next = fields.map_or_else(|| base(&world), |fields| copied_with(&world, "one\n", fields));
        install(&world, &next);
        let mut bytes = Vec::new();
        old.rewind().unwrap();
        old.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [0; 4], "{what}");
        assert_eq!(old.metadata().unwrap().nlink(), 0, "{what}");
        install(&world, &base(&world));
        assert_eq!(world.tree("/etc/app"), "", "{what}");
        assert!(!has_ledger(&world), "{what}");
    }
}

#[test]
fn a_copy_with_another_name_is_removed_and_not_overwritten() {
    let Some(world) = World::system() else { return };
    install(&world, &copied(&world, "one\n"));
    world.shell("ln /etc/app/key /etc/app/other");
    let said = world.install(&base(&world));
    assert_eq!(
        said.err,
        "warning: the copy /etc/app/key was removed, but its file has other names (hard links); find them by its content, and \
         remove them\n"
    );
    assert_eq!(world.tree("/etc/app"), "0640 1000:60 other \"one\\n\"\n");
}

#[test]
fn a_file_that_was_there_is_moved_aside_and_put_back() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo mine > /etc/app/key");
    let said = world.install(&copied(&world, "one\n"));
    assert_eq!(
        said.err,
        "warning: /etc/app/key was moved to /etc/app/key.sops-backup, because a copy belongs in its place\n"
    );
    for content in ["two\n", "three\n"] {
        install(&world, &copied(&world, content));
    }
    assert_eq!(world.read("/etc/app/key"), "three\n");
    let said = world.install(&base(&world));
    assert_eq!(
        said.err,
        "warning: /etc/app/key.sops-backup was moved back to /etc/app/key: its secret is gone\n"
    );
    assert_eq!(world.tree("/etc/app"), "0644 0:0 key \"mine\\n\"\n");
}

#[test]
fn a_file_that_was_there_when_the_first_copy_had_no_room_comes_back() {
    let Some(world) = World::system() else { return };
    world.allow("/etc/app");
    world.shell("mkdir /etc/app; mount -t tmpfs -o size=16k,mode=755 tmpfs /etc/app; echo mine > /etc/app/key; head -c 12000 /dev/zero > /etc/app/full");
    let said = world.run(&copied(&world, "one\n"));
    assert!(said.err.contains("no space left"), "{said:?}");
    world.shell("rm /etc/app/full");
    let said = world.install(&copied(&world, "one\n"));
    assert_eq!(
        said.err,
        "warning: /etc/app/key was moved to /etc/app/key.sops-backup, because a copy belongs in its place\n"
    );
    world.install(&base(&world));
    assert_eq!(world.read("/etc/app/key"), "mine\n");
}

#[test]
fn a_file_that_was_there_with_the_same_content_is_not_ours() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; echo one > /etc/app/key; chown 1000:60 /etc/app/key; chmod 640 /etc/app/key");
    install(&world, &copied(&world, "one\n"));
    assert!(!has_ledger(&world));
    install(&world, &base(&world));
    assert_eq!(world.tree("/etc/app"), "0640 1000:60 key \"one\\n\"\n");
}

/// What a program does to a copy, and what is left once the secret is gone.
const CHANGED: &[(&str, &str)] = &[
    ("echo other > /etc/app/key", "0640 1000:60 key \"other\\n\"\n"),
    (
        "echo other > /etc/app/new; mv /etc/app/new /etc/app/key",
        "0644 0:0 key \"other\\n\"\n",
    ),
];

#[test]
fn what_a_program_wrote_is_moved_aside_by_the_next_run() {
    for (deed, left) in CHANGED {
        let Some(world) = World::system() else { return };
        install(&world, &copied(&world, "one\n"));
        world.shell(deed);
        let said = world.install(&copied(&world, "one\n"));
        assert_eq!(
            said.err,
            "warning: /etc/app/key was moved to /etc/app/key.sops-backup, because a copy belongs in its place; it may have the text of the \
             secret, and stays: if nobody needs it, run: rm /etc/app/key.sops-backup\n",
            "{deed}"
        );
        assert_eq!(world.read("/etc/app/key"), "one\n", "{deed}");
        assert_eq!(world.read("/etc/app/key.sops-backup"), "other\n", "{deed}");
        install(&world, &copied(&world, "one\n"));
        // Without a run between, it stays when the secret goes.
        world.shell("rm /etc/app/key.sops-backup");
        world.shell(deed);
        let said = world.install(&base(&world));
        assert_eq!(world.tree("/etc/app"), *left, "{deed}: {said:?}");
    }
}

#[test]
fn a_copy_that_somebody_changed_stays_when_its_secret_goes() {
    for (deed, left) in CHANGED {
        let Some(world) = World::system() else { return };
        install(&world, &copied(&world, "one\n"));
        world.shell(deed);
        let said = world.install(&base(&world));
        assert_eq!(
            said.err,
            "warning: /etc/app/key, where a former secret was copied, stays: somebody has changed it since; if nothing needs it, \
             run: rm /etc/app/key\n",
            "{deed}"
        );
        assert_eq!(world.tree("/etc/app"), *left, "{deed}");
        assert!(!has_ledger(&world), "{deed}");
    }
}

#[test]
fn a_copy_that_was_touched_or_lost_its_mode_is_ours() {
    for deed in ["touch /etc/app/key", "chmod 644 /etc/app/key", "chown 5:5 /etc/app/key"] {
        let Some(world) = World::system() else { return };
        let manifest = copied(&world, "one\n");
        install(&world, &manifest);
        world.shell(deed);
        install(&world, &manifest);
        assert_eq!(world.tree("/etc/app"), "0640 1000:60 key \"one\\n\"\n", "{deed}");
        install(&world, &base(&world));
        assert_eq!(world.shell("ls /etc/app"), "", "{deed}");
    }
}

#[test]
fn a_copy_on_a_disk_is_refused_unless_it_is_meant() {
    let Some(world) = World::system() else { return };
    disk(&world, "/etc/app");
    let refused = "error: template \"t\": the file system of /etc/app/key is neither ramfs nor tmpfs, so a copy there would be \
                   plaintext on a disk; choose a path below /run, or if plaintext on the disk is meant, set copyToDisk to true\n";
    // At boot, the rest is installed.
    let manifest = copied(&world, "one\n");
    assert_eq!(partly(&world, &manifest), refused);
    assert_eq!(world.tree("/etc/app"), "");
    let said = world.run(&manifest);
    assert_eq!((said.code, said.err.as_str()), (Some(1), refused));
    let dry = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((dry.code, dry.err.as_str()), (Some(1), refused));
    // A directory that is still to be made is judged by the one above it.
    let below = copied_with(&world, "one\n", json!({"path": "/etc/app/a/b/key"}));
    assert_eq!(world.run(&below).err, refused.replace("/etc/app/key", "/etc/app/a/b/key"));
    assert_eq!(world.tree("/etc/app"), "");
    // The secrets themselves are no place for copies, whatever symlink leads there.
    world.shell("ln -s /run/secrets /etc/app/in");
    let inside = world.run(&copied_with(&world, "one\n", json!({"path": "/etc/app/in/x"})));
    assert_eq!(
        inside.err,
        "error: template \"t\": /etc/app/in/x is among the secrets themselves, where only links can be made; choose another path, \
         or set install to \"link\"\n"
    );
    world.shell("rm /etc/app/in");
    // Memory that is reached by a symlink on the disk is memory.
    world.shell("mkdir /run/memory; ln -s /run/memory /etc/app/a");
    world.allow("/run/memory");
    install(&world, &copied_with(&world, "one\n", json!({"path": "/etc/app/a/key"})));
    assert_eq!(world.read("/run/memory/key"), "one\n");
    install(&world, &copied_with(&world, "one\n", json!({"copyToDisk": true})));
    assert_eq!(world.read("/etc/app/key"), "one\n");
    // And what is on a disk is found after a restart.
    world.shell("umount /run/secrets.d; rm -rf /run/secrets*");
    let said = install(&world, &base(&world));
    assert_eq!(said.out, "removing copy: /etc/app/key\n");
}

#[test]
fn a_file_system_that_may_never_answer_is_not_touched() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t devpts -o newinstance devpts /etc/app");
    let refused = copied(&world, "one\n");
    assert_eq!(
        partly(&world, &refused),
        "error: template \"t\": cannot copy to /etc/app/key: the file system on /etc/app is of the type devpts, which may never \
         answer; choose a path below /run, or if plaintext on that file system is meant, set copyToDisk to true\n"
    );
    // A user who mounts something there does not keep other secrets from being installed.
    partly(&world, &refused.template("other", "other\n", json!({})));
    assert_eq!(world.read("/run/secrets/rendered/other"), "other\n");
}

/// Runs with `manifest` and is killed at the call `name` with these `words`. Before, `before` is installed.
fn kill(world: &World, before: &Manifest, manifest: &Manifest, name: &str, words: &str) {
    kill_at(world, before, manifest, name, |calls| {
        calls.iter().position(|call| call.arguments.contains(words))
    });
}

/// Does what [`kill`] does, at the call that `choose` finds among those of this name.
fn kill_at(world: &World, before: &Manifest, manifest: &Manifest, name: &str, choose: impl Fn(&[Call]) -> Option<usize>) {
    world.install(before);
    let (_, mut calls) = world.trace(manifest, &["-y", "-s", "200"], &[]);
    calls.retain(|call| call.name == name);
    let number = choose(&calls).unwrap() + 1;
    world.install(before);
    let inject = format!("inject={name}:signal=KILL:when={number}");
    let (said, _) = world.trace(manifest, &["-e", &format!("trace={name}"), "-e", &inject], &[]);
    assert_eq!(said.code, None, "{said:?}");
}

#[test]
fn a_killed_run_and_one_that_fails_forget_nothing() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    world.shell("mkdir /etc/app; mount -t tmpfs -o size=16k,mode=755 tmpfs /etc/app; echo original > /etc/app/key");
    let manifest = |content: &str| copied(&world, content);
    world.install(&manifest("zero\n"));
    kill(
        &world,
        &manifest("zero\n"),
        &manifest("one\n"),
        "unlinkat",
        "\"key.sops-new\"",
    );
    assert_eq!(world.shell("cat /etc/app/key /etc/app/key.sops-new"), "one\nzero\n");
    let mut held = File::open(world.path("/etc/app/key.sops-new")).unwrap();
    assert!(partly(&world, &manifest(&"2".repeat(20_000))).contains("no space left"));
    install(&world, &manifest("three\n"));
    assert_eq!(world.shell("ls /etc/app"), "key\nkey.sops-backup\n");
    // Whoever held an old copy still reads it.
    let mut text = String::new();
    held.read_to_string(&mut text).unwrap();
    assert_eq!(text, "zero\n");
    world.install(&base(&world));
    assert_eq!(world.tree("/etc/app"), "0644 0:0 key \"original\\n\"\n");
    assert!(!has_ledger(&world));
}

#[test]
fn what_was_there_first_comes_back_whatever_a_program_has_put_there_since() {
    for (deed, left) in [
        (
            "echo edited > /etc/app/new; mv /etc/app/new /etc/app/key",
            "0644 0:0 key.sops-backup.1 \"edited\\n\"\n",
        ),
        ("echo edited > /etc/app/key", "0640 1000:60 key.sops-backup.1 \"edited\\n\"\n"),
        // The same content in another file is our copy still.
        ("cp -p /etc/app/key /etc/app/new; mv /etc/app/new /etc/app/key", ""),
    ] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir /etc/app; echo original > /etc/app/key");
        world.install(&copied(&world, "one\n"));
        world.shell(deed);
        world.install(&copied(&world, "one\n"));
        install(&world, &copied(&world, "one\n"));
        world.install(&base(&world));
        let original = "0644 0:0 key \"original\\n\"\n";
        assert_eq!(world.tree("/etc/app"), format!("{original}{left}"), "{deed}");
        assert!(!has_ledger(&world), "{deed}");
    }
}

/// A file system such as vfat does not keep owners and modes, and says nothing of it.
#[test]
fn a_file_system_that_keeps_no_modes_gets_no_copy() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    world.shell("mkdir /etc/app");
    let manifest = copied(&world, "one\n");
    install(&world, &manifest);
    install(&world, &base(&world));
    let (said, calls) = world.trace(&manifest, &["-y"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let of_copy: Vec<_> = (1..)
        .zip(calls.iter().filter(|call| call.name == "fchmod"))
        .filter(|(_, call)| call.arguments.contains("key.sops-new"))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(of_copy.len(), 2);
    for number in of_copy {
        world.install(&base(&world));
        let inject = format!("inject=fchmod:retval=0:when={number}");
        let (said, _) = world.trace(&manifest, &["-e", "trace=fchmod", "-e", &inject], &[]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert_eq!(
            said.err,
            "error: template \"t\": cannot copy to /etc/app/key: its file system does not keep the owner and the mode of files, so \
             others could read the copy; choose another path\n"
        );
        assert_eq!(world.shell("ls -A /etc/app"), "");
    }
}

#[test]
fn units_wait_for_a_copy_that_could_not_be_written() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs -o size=16k,mode=755 tmpfs /etc/app");
    let units = json!({"restartUnits": ["app.service", "both.service"]});
    let manifest = |content: &str, other: &str| {
        let manifest = copied_with(&world, content, units.clone());
        manifest.template("other", other, json!({"restartUnits": ["other.service", "both.service"]}))
    };
    let told = || {
        let told = world.shell("cat /run/nixos/*restart-list 2> /dev/null || :");
        world.shell("rm -f /run/nixos/*");
        told
    };
    let switch = |manifest: &Manifest| world.run_with(manifest, |command| command.env("NIXOS_ACTION", "switch"));
    install(&world, &manifest("one\n", "x"));
    world.shell("rm -f /run/nixos/*; dd if=/dev/zero of=/etc/app/full bs=1k count=64 2> /dev/null || :");
    assert_eq!(switch(&manifest("two\n", "y")).code, Some(3));
    // The other secret of this unit has changed, and is there.
    assert_eq!(told(), "both.service\nother.service\n");
    assert_eq!(switch(&manifest("two\n", "y")).code, Some(3));
    assert_eq!(told(), "");
    world.shell("rm /etc/app/full");
    assert_eq!(switch(&manifest("two\n", "y")).code, Some(0));
    assert_eq!(told(), "app.service\nboth.service\n");
    assert_eq!(switch(&manifest("two\n", "y")).code, Some(0));
    assert_eq!(told(), "");
}

/// Whoever can put something in the way of a copy must not keep its unit at an old secret for good.
#[test]
fn units_wait_for_a_copy_that_has_an_obstacle_in_its_way() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs -o mode=755 tmpfs /etc/app; chown 1000 /etc/app");
    let manifest = |content: &str| copied_with(&world, content, json!({"restartUnits": ["app.service"]}));
    let told = || world.shell("cat /run/nixos/*restart-list 2> /dev/null || :; rm -f /run/nixos/*");
    let switch = |content: &str| world.run_with(&manifest(content), |command| command.env("NIXOS_ACTION", "switch"));
    install(&world, &manifest("one\n"));
    told();
    world.shell("rm /etc/app/key; mkdir /etc/app/key; chown 1000 /etc/app/key");
    for _ in 0..2 {
        assert_eq!(switch("two\n").code, Some(3));
        assert_eq!(told(), "");
    }
    world.shell("rmdir /etc/app/key");
    assert_eq!(switch("two\n").code, Some(0));
    assert_eq!(told(), "app.service\n");
}

/// The owner of another declared path gives a file there the number and the time of the copy.
#[test]
fn a_file_elsewhere_that_looks_like_the_copy_does_not_take_its_place_in_the_ledger() {
    for other in [json!({}), json!({"install": "copy"})] {
        let Some(world) = World::system() else { return };
        world.allow("/srv/other");
        world.shell(
            "mkdir -p /etc/app /srv/other; mount -t tmpfs tmpfs /etc/app; mount -t tmpfs tmpfs /srv/other; chown 1000 /srv/other
             for file in $(seq 50); do : > /etc/app/$file; rm /etc/app/$file; done",
        );
        let manifest = |content: &str| {
            let fields = merged(json!({"path": "/srv/other/key"}), other.clone());
            copied(&world, content).template("other", "x", fields)
        };
        install(&world, &manifest("one\n"));
        world.shell(
            "rm /srv/other/key; number=$(stat -c %i /etc/app/key)
             for file in $(seq 1000); do : > /srv/other/$file; [ $(stat -c %i /srv/other/$file) != $number ] || break; done
             mv /srv/other/$file /srv/other/key; touch -r /etc/app/key /srv/other/key
             [ $(stat -c %i%.9Y /srv/other/key) = $(stat -c %i%.9Y /etc/app/key) ]",
        );
        world.install(&manifest("one\n"));
        assert_eq!(install(&world, &manifest("two\n")).err, "");
        world.install(&base(&world));
        assert_eq!(world.shell("ls /etc/app"), "");
    }
}

#[test]
fn what_a_program_writes_before_the_run_has_ended_is_its_own() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    install(&world, &copied(&world, "one\n"));
    let program = "until grep -q two /etc/app/key; do sleep 0.01; done; sleep 0.05; echo edited > /etc/app/key";
    let mut program = world.command("sh").args(["-c", program]).spawn().unwrap();
    // The run goes on 0.3 s after each rename.
    let slow = ["-e", "trace=renameat2", "-e", "inject=renameat2:delay_exit=300000"];
    let (said, _) = world.trace(&copied(&world, "two\n"), &slow, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    program.wait().unwrap();
    let said = world.install(&copied(&world, "three\n"));
    assert!(said.err.contains("was moved to /etc/app/key.sops-backup"), "{said:?}");
    assert_eq!(world.read("/etc/app/key.sops-backup"), "edited\n");
}

#[test]
fn a_file_system_that_cannot_exchange_names_has_copies() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    let old = ["-e", "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"];
    world.shell("mkdir /etc/app; echo original > /etc/app/key");
    for content in ["one\n", "two\n"] {
        let (said, _) = world.trace(&copied(&world, content), &old, &[]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(world.read("/etc/app/key"), content);
    }
    let mut held = File::open(world.path("/etc/app/key")).unwrap();
    let (said, _) = world.trace(&base(&world), &old, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.tree("/etc/app"), "0644 0:0 key \"original\\n\"\n");
    let mut bytes = Vec::new();
    held.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
}

#[test]
fn what_was_in_memory_is_gone_without_a_word() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs tmpfs /etc/app");
    install(&world, &copied(&world, "one\n"));
    world.shell("umount /etc/app /run/secrets.d; rm -rf /run/secrets*");
    let said = install(&world, &base(&world));
    assert_eq!(said.out, "");
    assert!(!has_ledger(&world));
    // And a copy that is still declared is made again.
    install(&world, &copied(&world, "one\n"));
    world.shell("rm /etc/app/key");
    install(&world, &copied(&world, "one\n"));
    assert_eq!(world.read("/etc/app/key"), "one\n");
}

/// A program or systemd-tmpfiles makes the file at each boot, before the copy. Directories and files may have the numbers again that they had
/// before the restart; directly below the file system, the directory always has.
#[test]
fn what_was_there_after_a_restart_is_put_back() {
    for path in ["/etc/app/key", "/etc/app/in/key"] {
        let Some(world) = World::system().filter(|_| has("strace")) else {
            return;
        };
        world.allow("/etc/app");
        let manifest = copied_with(&world, "one\n", json!({"path": path}));
        let boot = |world: &World| {
            world.shell("mkdir -p /etc/app; mount -t tmpfs tmpfs /etc/app; mkdir /etc/app/in; for n in 1 2 3 4 5 6; do echo $n > /etc/app/in/$n; done");
            world.shell(&format!("echo theirs > {path}"));
        };
        let restart = |world: &World| {
            world.shell("umount /etc/app /run/secrets.d; rm -rf /run/secrets*");
            boot(world);
        };
        boot(&world);
        world.install(&manifest);
        restart(&world);
        let said = world.install(&manifest);
        assert!(said.err.contains(&format!("was moved to {path}.sops-backup")), "{said:?}");
        assert_eq!(world.read(path), "one\n");
        let said = world.install(&base(&world));
        assert_eq!(
            said.err,
            format!("warning: {path}.sops-backup was moved back to {path}: its secret is gone\n")
        );
        assert_eq!(world.read(path), "theirs\n");
        assert!(!has_ledger(&world));
        // And if the secret goes before anything is installed again, what is there is nobody's but theirs.
        world.install(&manifest);
        restart(&world);
        world.install(&base(&world));
        assert_eq!(world.read(path), "theirs\n");
        assert!(!has_ledger(&world));
    }
}

/// Has the ledger have the number of the file `at` in the place of the one in `/run/was`, as if the file had got that number again.
fn give_number(world: &World, at: &str) {
    world.shell(&format!(
        r#"was=$(cat /run/was); now=$(stat -c %i {at}); grep -q "\"born\": \"$was " {LEDGER}
        sed -i "s/\"new\": $was,/\"new\": $now,/; s/file $was /file $now /; s/\"$was /\"$now /" {LEDGER}"#
    ));
}

/// A run is killed while it writes a copy. Somebody removes what it has left, and writes the file by hand: it may get the number that the ledger
/// has.
#[test]
fn a_file_that_gets_the_number_of_one_that_was_begun_is_not_ours() {
    for (goes, with_number, keeps_births) in [
        (false, true, true),
        (true, true, true),
        (true, false, true),
        (false, true, false),
        (true, true, false),
    ] {
        let Some(world) = World::system().filter(|_| has("strace")) else {
            return;
        };
        disk(&world, "/etc/app");
        let manifest = copied_with(&world, "one\n", json!({"copyToDisk": true}));
        world.install(&manifest);
        kill(&world, &base(&world), &manifest, "renameat2", "\"key.sops-new\"");
        assert_eq!(world.shell("ls /etc/app"), "key.sops-new\n");
        world.shell(
            "stat -c %i /etc/app/key.sops-new > /run/was; rm /etc/app/key.sops-new; sleep 0.1; echo theirs > /etc/app/key",
        );
        if with_number {
            give_number(&world, "/etc/app/key");
        }
        if !keeps_births {
            world.shell(&format!(r#"sed -zi 's/,\n *"born": "[^"]*"//' {LEDGER}"#));
        }
        let said = world.install(&if goes { base(&world) } else { manifest.clone() });
        if goes {
            // Without births it may be the copy, changed by somebody.
            assert_eq!(said.err.contains("warning"), with_number && !keeps_births, "{said:?}");
        } else {
            assert!(said.err.contains("was moved to /etc/app/key.sops-backup"), "{said:?}");
            world.install(&base(&world));
        }
        assert_eq!(world.tree("/etc/app"), "0644 0:0 key \"theirs\\n\"\n", "{said:?}");
        assert!(!has_ledger(&world));
    }
}

/// Also if it has the content, the owner and the mode of the copy.
#[test]
fn a_file_like_the_copy_that_gets_the_number_of_one_that_was_begun_is_not_ours() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    disk(&world, "/etc/app");
    let manifest = copied_with(&world, "one\n", json!({"copyToDisk": true}));
    world.install(&manifest);
    kill(&world, &base(&world), &manifest, "renameat2", "\"key.sops-new\"");
    world.shell("cd /etc/app; stat -c %i key.sops-new > /run/was; rm key.sops-new; sleep 0.1; echo one > key; chown 1000:60 key; chmod 640 key");
    give_number(&world, "/etc/app/key");
    install(&world, &manifest);
    install(&world, &base(&world));
    assert_eq!(world.tree("/etc/app"), "0640 1000:60 key \"one\\n\"\n");
    assert!(!has_ledger(&world));
}

/// As with a file at the place. It is moved aside, and not overwritten.
#[test]
fn a_file_at_the_temporary_name_that_gets_the_number_of_one_that_was_begun_is_not_ours() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    disk(&world, "/etc/app");
    let manifest = copied_with(&world, "one\n", json!({"copyToDisk": true}));
    world.install(&manifest);
    kill(&world, &base(&world), &manifest, "renameat2", "\"key.sops-new\"");
    world.shell("cd /etc/app; stat -c %i key.sops-new > /run/was; rm key.sops-new; sleep 0.1; echo theirs > key.sops-new");
    give_number(&world, "/etc/app/key.sops-new");
    world.install(&manifest);
    world.install(&base(&world));
    assert_eq!(world.tree("/etc/app"), "0644 0:0 key.sops-backup \"theirs\\n\"\n");
    assert!(!has_ledger(&world));
}

/// Kills a run after it has put the first copy `one` at its place, before the ledger has its mark. The copy is on a disk.
fn killed_after_the_first_copy(world: &World, was_there: bool) -> Manifest {
    disk(world, "/etc/app");
    let manifest = copied_with(world, "one\n", json!({"copyToDisk": true}));
    world.install(&manifest);
    world.install(&base(world));
    if was_there {
        world.shell("echo theirs > /etc/app/key");
    }
    // The last time that the directory is written to the disk comes before the ledger gets the mark of the copy.
    let last = |calls: &[Call]| calls.iter().rposition(|call| call.arguments.contains("/etc/app>"));
    kill_at(world, &base(world), &manifest, "fsync", last);
    assert_eq!(world.read("/etc/app/key"), "one\n");
    assert!(world.read(LEDGER).contains("\"new\""));
    manifest
}

/// Its time no longer tells that the killed run has made it. Its number and its content do.
#[test]
fn a_first_copy_of_a_killed_run_that_was_touched_is_ours() {
    for was_there in [false, true] {
        let Some(world) = World::system().filter(|_| has("strace")) else {
            return;
        };
        let manifest = killed_after_the_first_copy(&world, was_there);
        world.shell("touch -d 2001-01-01 /etc/app/key");
        install(&world, &manifest);
        install(&world, &manifest);
        world.install(&base(&world));
        let left = if was_there { "0644 0:0 key \"theirs\\n\"\n" } else { "" };
        assert_eq!(world.tree("/etc/app"), left);
        assert!(!has_ledger(&world));
    }
}

/// The time of its birth tells that the killed run has made it, also if the secret has another value by then. It never comes back.
#[test]
fn a_first_copy_of_a_killed_run_that_was_touched_or_written_is_not_put_back() {
    for (was_there, deed, left) in [
        (false, "touch -d 2001-01-01 /etc/app/key", "one"),
        (true, "touch -d 2001-01-01 /etc/app/key", "one"),
        (false, "echo edited > /etc/app/key", "edited"),
    ] {
        // A run may be killed once more, when the ledger has the new value's file.
        for is_killed_again in [false, true] {
            let Some(world) = World::system().filter(|_| has("strace")) else {
                return;
            };
            let _ = killed_after_the_first_copy(&world, was_there);
            world.shell(deed);
            let other = copied_with(&world, "two\n", json!({"copyToDisk": true}));
            if is_killed_again {
                let inject = "inject=renameat2:signal=KILL:when=1";
                let (said, _) = world.trace(&other, &["-e", "trace=renameat2", "-e", inject], &[]);
                assert_eq!(said.code, None, "{said:?}");
            }
            let said = world.install(&other);
            let backup = if was_there { "key.sops-backup.1" } else { "key.sops-backup" };
            assert!(
                said.err.contains(&format!("if nobody needs it, run: rm /etc/app/{backup}")),
                "{said:?}"
            );
            world.install(&base(&world));
            let theirs = if was_there { "0644 0:0 key \"theirs\\n\"\n" } else { "" };
            assert_eq!(
                world.tree("/etc/app"),
                format!("{theirs}0640 1000:60 {backup} \"{left}\\n\"\n")
            );
            assert!(!has_ledger(&world));
        }
    }
}

#[test]
fn an_early_phase_and_a_later_one_have_copies_of_their_own() {
    let Some(world) = World::system() else { return };
    let early = |manifest: Manifest| {
        manifest
            .with("secretsMountPoint", "/run/secrets-for-users.d")
            .with("symlinkPath", "/run/secrets-for-users")
    };
    install(&world, &copied(&world, "one\n"));
    install(
        &world,
        &early(copied_with(&world, "two\n", json!({"path": "/etc/app/early"}))),
    );
    install(&world, &base(&world));
    assert_eq!(world.tree("/etc/app"), "0640 1000:60 early \"two\\n\"\n");
    install(&world, &early(base(&world)));
    assert_eq!(world.shell("ls /etc/app"), "");
}

#[test]
fn a_list_of_rights_that_the_directory_gives_is_taken_away() {
    let Some(world) = World::system().filter(|_| has("python3")) else {
        return;
    };
    // A default list by which the user 65534 may read new files.
    world.shell(
        "mkdir /etc/app; python3 - << 'END'
import os, struct
entries = [(1, 7, -1), (2, 7, 65534), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
data = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', tag, rights, who & 0xffffffff) for tag, rights, who in entries)
os.setxattr('/etc/app', 'system.posix_acl_default', data)
END",
    );
    install(&world, &copied(&world, "one\n"));
    let look = "python3 -c 'import os; print(os.listxattr(\"/etc/app/key\"), oct(os.stat(\"/etc/app/key\").st_mode))'";
    assert_eq!(world.shell(look), "[] 0o100640\n");
}

#[test]
fn a_secret_that_is_left_out_takes_its_copy_along() {
    let Some(world) = World::system() else { return };
    world.allow("/etc/app");
    let file = world.fixture("text.bin");
    let with = |path: &std::path::Path, further: Value| {
        let fields = json!({"path": "/etc/app/key", "install": "copy"});
        base(&world).secret_with("s", path, "", merged(fields, further))
    };
    install(&world, &with(&file, json!({"optional": true})));
    let missing = with(&world.input("missing.bin"), json!({"optional": true}));
    assert!(world.install(&missing).out.contains("removing copy: /etc/app/key\n"));
    assert_eq!(world.shell("ls /etc/app"), "");
    // A secret that fails while the others are installed.
    install(&world, &with(&file, json!({"onFailure": "skip"})));
    let broken = world.write("broken.bin", "{}");
    let said = world.run(&with(&broken, json!({"onFailure": "skip"})));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(world.shell("ls /etc/app"), "");
    // One that keeps its value keeps its copy, and one that stops the run, too.
    for policy in ["keep", "abort"] {
        install(&world, &with(&file, json!({})));
        let said = world.run(&with(&broken, json!({"onFailure": policy})));
        assert_ne!(said.code, Some(0), "{said:?}");
        assert_eq!(
            world.shell("cmp /etc/app/key /run/secrets/s && echo same"),
            "same\n",
            "{policy}"
        );
    }
    // At boot as well: the old copy is better than none.
    world.shell("umount /run/secrets.d; rm -rf /run/secrets*");
    let said = world.run(&with(&broken, json!({})));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(world.shell("cmp /etc/app/key /run/secrets/stays && echo same"), "same\n");
}

#[test]
fn a_copy_without_a_ledger_is_not_written() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir -p /var/lib/sops-nix; echo damaged > /var/lib/sops-nix/ledger.json; chmod 600 /var/lib/sops-nix/ledger.json",
    );
    let said = partly(&world, &copied(&world, "one\n"));
    assert!(
        said.contains(
            "error: template \"t\": the copy /etc/app/key is not written, because nothing would remove it later: cannot use the \
             ledger /var/lib/sops-nix/ledger.json: it is damaged"
        ),
        "{said}"
    );
    assert_eq!(world.shell("ls /etc/app 2> /dev/null || echo none"), "none\n");
}

#[test]
fn a_full_file_system_keeps_the_old_copy() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; mount -t tmpfs -o size=16k,mode=755 tmpfs /etc/app");
    let long = |letter: &str| letter.repeat(8000);
    install(&world, &copied(&world, &long("a")));
    let said = partly(&world, &copied(&world, &long("b").repeat(2)));
    assert!(
        said.starts_with("error: template \"t\": cannot write the copy /etc/app/key: no space left on device"),
        "{said}"
    );
    assert_eq!(world.shell("ls /etc/app; tr -d a < /etc/app/key"), "key\n");
    // And the next run goes on.
    install(&world, &copied(&world, &long("b")));
    assert_eq!(world.shell("tr -d b < /etc/app/key"), "");
}

#[test]
fn another_user_who_swaps_files_gets_nothing() {
    let Some(world) = World::system().filter(|_| has("python3")) else {
        return;
    };
    world.shell("mkdir /etc/app; chown alice /etc/app; echo precious > /etc/theirs; chmod 600 /etc/theirs");
    // The user puts other files at the temporary name and at the place, again and again.
    let script = world.write(
        "swap.py",
        "import os, time
os.setgid(1000); os.setuid(1000)
end = time.time() + 2
os.chdir('/etc/app')
def quiet(deed, *arguments):
    try: deed(*arguments)
    except OSError: pass
def put(name):
    quiet(os.symlink, '/etc/theirs', 'x'); quiet(os.rename, 'x', name)
while time.time() < end:
    # Most of the time, wait until the file is there.
    for _ in range(100):
        try: os.rename('key.sops-new', 'taken')
        except OSError: continue
        put('key.sops-new')
    for name in ['key.sops-new', 'key']:
        put(name)
        quiet(os.rename, name, 'taken')
        with open('z', 'w') as file: file.write('mine')
        quiet(os.rename, 'z', name)
",
    );
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let mut swapper = world
        .command("python3")
        .arg("-c")
        .arg(fs::read_to_string(&script).unwrap())
        .spawn()
        .unwrap();
    let mut runs = 0;
    while swapper.try_wait().unwrap().is_none() {
        for content in ["one\n", "two\n"] {
            let said = world.run(&copied_with(&world, content, json!({"uid": 0, "gid": 0, "mode": "0400"})));
            assert!(matches!(said.code, Some(0 | 1 | 3)), "{said:?}");
            runs += 1;
        }
    }
    assert_eq!(
        world.shell("cat /etc/theirs; stat -c '%a %u:%g' /etc/theirs"),
        "precious\n600 0:0\n"
    );
    // Whatever the user has got hold of is a file of root's that the user cannot read, or one of the user's own.
    assert_eq!(
        world.shell("find /etc/app -type f ! -user alice ! -perm 0400 ! -perm 0600"),
        ""
    );
    say(&format!("races: a copy, {runs} runs"));
    assert!(runs > 4, "only {runs} runs");
}

#[test]
fn a_plain_user_has_copies_and_they_are_overwritten() {
    let world = World::user();
    let path = world.input("home/key");
    world.allow_input("home");
    let base = || {
        world
            .manifest()
            .with("version", 1)
            .secret("stays", &world.fixture("text.bin"), "")
    };
    let copied = |fields: Value| {
        let all = json!({"path": path.to_str().unwrap(), "install": "copy"});
        base().template("t", "one\n", merged(all, fields))
    };
    let run = |manifest: &Manifest| world.run_with(manifest, |command| command.env("HOME", world.input("home")));
    let said = run(&copied(json!({"copyToDisk": true})));
    assert_eq!((said.code, said.err.contains("plaintext")), (Some(0), false), "{said:?}");
    let mut old = File::open(&path).unwrap();
    assert_eq!(old.metadata().unwrap().mode() & 0o7777, 0o400);
    let said = run(&base());
    assert!(said.out.contains("removing copy: "), "{said:?}");
    let mut bytes = Vec::new();
    old.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
}
