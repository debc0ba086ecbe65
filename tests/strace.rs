//! Tests what the program does to the machine, by its system calls.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod common;

use std::{env, fs, os::unix::process::CommandExt as _, process::Command};

use common::{Call, Manifest, World, has, say};
use serde_json::json;

/// strace follows children, and shows the path of each descriptor, and whole strings.
const WITH_PATHS: &[&str] = &["-y", "-s", "100000"];

/// A manifest with secrets, templates, symlinks, units, and all kinds of keys.
fn manifest(world: &World, key: &str) -> Manifest {
    let (file, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    let keys = [world.fixture("keys/ssh_ed25519"), world.fixture("keys/ssh_rsa")];
    world
        .manifest()
        .with("ageSshKeyPaths", json!(keys))
        .secret_with(
            "deep/down/a",
            &file,
            key,
            json!({"owner": "alice", "group": "web", "mode": "0640", "restartUnits": ["a.service"], "reloadUnits": ["r.service"]}),
        )
        .secret_with("b", &text, "", json!({"path": "/etc/app/dir/b"}))
        .secret_with("c", &text, "", json!({"path": "/run/secrets/other", "mode": "0444"}))
        .template("t", &common::token("b"), json!({"path": "/etc/t.conf", "mode": "0400", "owner": "alice"}))
}

const ONE: &str = "database/host";
const OTHER: &str = "database/users/admin/password";

/// A world for these tests. `None` if they cannot run. If `STRACE_PROGRAM` names another build of the program, that build is watched.
fn world() -> Option<World> {
    let mut world = if has("strace") { World::system()? } else { return None };
    if let Some(program) = env::var_os("STRACE_PROGRAM") {
        world.pretend(program.into());
    }
    Some(world)
}

/// The calls of a run, which must succeed.
fn trace(world: &World, manifest: &Manifest, variables: &[(&str, &str)]) -> Vec<Call> {
    let (said, calls) = world.trace(manifest, WITH_PATHS, variables);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(calls.len() > 50, "strace saw only {} calls", calls.len());
    calls
}

/// After a power cut, the disk may lack what was not waited for.
#[test]
fn the_ledger_is_on_the_disk_before_anything_that_it_names_and_what_is_removed_before_it_leaves_the_ledger() {
    let Some(world) = world() else { return };
    let text = world.fixture("text.bin");
    let base = world.manifest().with("version", 1).secret("stays", &text, "");
    let linked = base
        .clone()
        .secret_with("a", &text, "", json!({"path": "/etc/app/deep/deeper/a"}));
    let calls = trace(&world, &linked, &[]);
    let find = |calls: &[Call], from: usize, what: &str, words: &[&str]| {
        let is_it =
            |call: &Call| what.split('|').any(|name| call.name == name) && words.iter().all(|word| call.arguments.contains(word));
        let found = calls.iter().enumerate().skip(from).find(|(_, call)| is_it(call));
        found.unwrap_or_else(|| panic!("no {what} {words:?} after {from}")).0
    };
    // The directories, and then the symlink: each is noted before it is made.
    let mut position = 0;
    for made in [
        &[("mkdirat", "\"deep.sops-new\""), ("mkdirat", "\"deeper.sops-new\"")][..],
        &[("symlinkat", "/run/secrets/a")],
    ] {
        for (what, words) in [
            ("fsync", &["ledger.json.sops-new"][..]),
            ("renameat|renameat2", &["\"ledger.json\""]),
            ("fsync", &["/var/lib/sops-nix>"]),
        ] {
            position = find(&calls, position, what, words) + 1;
        }
        for (call, name) in made {
            position = find(&calls, position, call, &[name]) + 1;
        }
    }
    let made = |call: &&Call| call.name == "symlinkat" && call.arguments.contains("/run/secrets/a");
    assert_eq!(calls.iter().filter(made).count(), 1);
    let calls = trace(&world, &base, &[]);
    let mut position = 0;
    for (what, words) in [
        ("unlinkat", &["\"a.sops-new\""][..]),
        ("fsync", &["/etc/app/deep/deeper>"]),
        ("unlinkat", &["\"deeper\"", "AT_REMOVEDIR"]),
        ("unlinkat", &["\"deep\"", "AT_REMOVEDIR"]),
        ("fsync", &["/etc/app>"]),
        ("unlinkat", &["\"ledger.json\""]),
        ("fsync", &["/var/lib/sops-nix>"]),
    ] {
        position = find(&calls, position, what, words) + 1;
    }
}

#[test]
fn each_sops_file_is_opened_once() {
    let Some(world) = world() else { return };
    let files = [
        "nesting.json",
        "types.json",
        "text.bin",
        "nesting.yaml",
        "sections.ini",
        "plain.env",
    ]
    .map(|name| world.fixture(name));
    let mut manifest = world.manifest();
    for number in 0..10 {
        for file in &files {
            let name = format!("{}/{number}", file.file_name().unwrap().to_str().unwrap());
            manifest = manifest.secret(&name, file, "");
        }
        manifest = manifest.secret(&format!("host{number}"), &files[0], "database/host");
    }
    for run in ["first", "second"] {
        let calls = trace(&world, &manifest, &[]);
        for file in &files {
            let opened = calls
                .iter()
                .filter(|call| call.opens() && call.paths().iter().any(|path| path == file.to_str().unwrap()));
            assert_eq!(opened.count(), 1, "{} in the {run} run", file.display());
        }
    }
}

#[test]
fn the_name_service_is_not_asked_for_a_name_that_is_in_the_files() {
    let Some(world) = world() else { return };
    let manifest = manifest(&world, ONE).with("version", 1);
    let asked = |manifest: &Manifest| {
        let calls = trace(&world, manifest, &[]);
        let is_service = |call: &Call| {
            ["nsswitch", "nscd", "libnss"]
                .iter()
                .any(|part| call.arguments.contains(part))
        };
        calls.into_iter().filter(is_service).collect::<Vec<_>>()
    };
    for run in ["first", "second"] {
        assert!(asked(&manifest).is_empty(), "in the {run} run");
    }
    world.shell("sed -i /keys/d /etc/group");
    assert!(asked(&manifest).is_empty(), "without the group keys");
    world.shell("sed -i /nogroup/d /etc/group");
    assert!(!asked(&manifest).is_empty(), "without a group for the directories");
}

#[test]
fn who_reads_sops_files_has_given_up_all_that_this_does_not_need() {
    let Some(world) = world() else { return };
    let (known, unknown) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    let calls = trace(
        &world,
        &world.manifest().secret("a", &known, ONE).secret("b", &unknown, ""),
        &[],
    );
    for file in [known, unknown] {
        let is_it = |call: &&Call| call.opens() && call.paths().iter().any(|path| path == file.to_str().unwrap());
        let opened = calls.iter().position(|call| is_it(&call)).unwrap();
        let reader = calls[opened].thread;
        assert_ne!(reader, calls[0].thread, "the first thread has to mount and write");
        let before: Vec<_> = calls[..opened].iter().filter(|call| call.thread == reader).collect();
        for given_up in ["landlock_restrict_self", "capset", "seccomp"] {
            let call = before.iter().find(|call| call.name == given_up);
            assert!(call.is_some_and(|call| call.succeeded()), "{given_up}: {before:?}");
        }
        let refused: Vec<_> = calls
            .iter()
            .filter(|call| call.thread == reader && call.result.contains("EPERM"))
            .collect();
        assert!(refused.is_empty(), "decryption needs what it may not do: {refused:?}");
    }
    let is_restricted = |call: &&Call| call.name == "landlock_restrict_self" || call.name == "seccomp";
    let threads: Vec<_> = calls.iter().filter(is_restricted).map(|call| call.thread).collect();
    assert_eq!(threads, [threads[0]; 2], "one thread, restricted once");
}

/// Whether the manifest allows the program to change `path`.
fn is_declared(path: &str) -> bool {
    let exact = [
        "/run/secrets.d",
        "/run/secrets",
        "/run/secrets.sops-new",
        "/run/nixos/activation-restart-list",
        "/run/nixos/activation-reload-list",
        "/etc/app",
        "/etc/app.sops-new",
        "/etc/app/dir",
        "/etc/app/dir.sops-new",
        "/etc/app/dir/b",
        "/etc/app/dir/b.sops-new",
        "/etc/app/dir/b.sops-backup",
        "/etc/t.conf",
        "/etc/t.conf.sops-new",
        "/etc/t.conf.sops-backup",
        "/dev/null",
    ];
    exact.contains(&path) || path.starts_with("/run/secrets.d/")
}

#[test]
fn nothing_is_changed_outside_the_mount_point_the_declared_paths_and_the_lists() {
    let Some(world) = world() else { return };
    let mut changes = 0;
    world.shell("echo precious > /etc/t.conf");
    for key in [ONE, OTHER] {
        for call in trace(&world, &manifest(&world, key), &[])
            .iter()
            .filter(|call| call.changes())
        {
            changes += 1;
            let paths = call.paths();
            assert!(!paths.is_empty(), "a change without a path: {call:?}");
            let undeclared = paths.iter().find(|path| !is_declared(path));
            assert_eq!(undeclared, None, "{call:?}");
        }
    }
    assert!(changes > 40, "only {changes} changes seen");
}

/// The declared mode and owner of the file at this place in a generation.
fn declared(place: &str) -> (u32, &'static str) {
    match place {
        "deep/down/a" => (0o640, "1000, 60"),
        "c" => (0o444, "0, 0"),
        "rendered/t" => (0o400, "1000, 0"),
        _ => (0o400, "0, 0"),
    }
}

/// The mode in the last argument of a call.
fn last_mode(call: &Call) -> u32 {
    u32::from_str_radix(call.arguments.rsplit(", ").next().unwrap(), 8).unwrap()
}

#[test]
fn a_file_has_its_owner_and_mode_before_its_first_byte_and_is_never_wider() {
    let Some(world) = world() else { return };
    let calls = trace(&world, &manifest(&world, ONE), &[]);
    let mut files = 0;
    for (at, created) in calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.opens() && call.arguments.contains("O_CREAT"))
    {
        let path = created.paths().remove(0);
        let Some(place) = path.strip_prefix("/run/secrets.d/1/") else {
            continue;
        };
        files += 1;
        let (mode, owner) = declared(place);
        assert_eq!(last_mode(created) & !mode, 0, "created wider than declared: {created:?}");
        assert!(
            created.arguments.contains("O_EXCL") && created.arguments.contains("O_NOFOLLOW"),
            "{created:?}"
        );
        let on_it: Vec<_> = calls[at + 1..]
            .iter()
            .filter(|call| call.descriptor() == Some(&path))
            .collect();
        let position = |name| on_it.iter().position(|call| call.name == name);
        let (chown, chmod, write) = (
            position("fchown").unwrap(),
            position("fchmod").unwrap(),
            position("write").unwrap(),
        );
        assert!(chown < chmod && chmod < write, "{place}: {on_it:?}");
        assert!(on_it[chown].arguments.ends_with(owner), "{:?}", on_it[chown]);
        for change in on_it.iter().filter(|call| call.name == "fchmod") {
            assert_eq!(last_mode(change), mode, "{change:?}");
        }
    }
    assert_eq!(files, 4);
    let by_path = calls
        .iter()
        .find(|call| ["chmod", "chown", "lchown", "fchmodat"].contains(&call.name.as_str()));
    assert!(by_path.is_none(), "owner and mode are set by descriptor: {by_path:?}");
}

#[test]
fn a_dry_run_opens_nothing_for_writing_but_the_dry_lists() {
    let Some(world) = world() else { return };
    let dry = &[("NIXOS_ACTION", "dry-activate")];
    let changes = |calls: Vec<Call>| {
        calls
            .into_iter()
            .filter(Call::changes)
            .flat_map(|call| call.paths())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        changes(trace(&world, &manifest(&world, ONE), dry)),
        [""; 0],
        "before the first publication"
    );
    world.install(&manifest(&world, ONE));
    assert_eq!(
        changes(trace(&world, &manifest(&world, OTHER), dry)),
        [
            "/run/nixos/dry-activation-restart-list",
            "/run/nixos/dry-activation-reload-list"
        ]
    );
    let locks = trace(&world, &manifest(&world, OTHER), dry);
    assert!(!locks.iter().any(|call| call.name == "flock"), "a dry run waits for nobody");
}

#[test]
fn a_run_that_changes_nothing_writes_nothing_but_the_locks() {
    let Some(world) = world() else { return };
    let manifest = manifest(&world, ONE).with("version", 1).with("keepGenerations", 2);
    world.install(&manifest);
    world.install(&manifest.clone().secret("d", &world.fixture("text.bin"), ""));
    world.install(&manifest);
    let calls = trace(&world, &manifest, &[]);
    let changes: Vec<_> = calls.iter().filter(|call| call.changes()).collect();
    let paths: Vec<_> = changes.iter().flat_map(|call| call.paths()).collect();
    assert_eq!(paths, ["/run/secrets.d/.lock", "/var/lib/sops-nix/.lock"], "{changes:?}");
    let is_write = |call: &&Call| {
        call.name.contains("write") || ["fchmod", "fchown", "ftruncate", "fallocate"].contains(&call.name.as_str())
    };
    let written: Vec<_> = calls.iter().filter(is_write).collect();
    assert!(
        written.iter().all(|call| call
            .descriptor()
            .is_none_or(|path| path.contains("pipe:") || path.contains("eventfd"))),
        "{written:?}"
    );
}

/// Texts that must not be seen: private keys, and the values of the fixtures.
const PRIVATE: &[&str] = &[
    "AGE-SECRET-KEY",
    "PRIVATE KEY",
    "correct horse battery staple",
    "db.example.org",
    "text without a line break at its end",
];

#[test]
fn neither_plaintext_nor_keys_are_in_the_arguments_or_the_environment_of_a_child() {
    let Some(world) = world() else { return };
    let bin = world.script("systemctl", "#!/bin/sh\n");
    world.install(&manifest(&world, ONE));
    let key = fs::read_to_string(world.fixture("keys/other-age.txt")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let variables = [
        ("SOPS_AGE_KEY", key.lines().last().unwrap()),
        ("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1"),
        ("PATH", &path),
    ];
    let (said, calls) = world.trace(
        &manifest(&world, OTHER),
        &["-v", "-s", "100000", "-e", "trace=execve"],
        &variables,
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let children: Vec<_> = calls.iter().filter(|call| call.arguments.contains("--no-block")).collect();
    assert!(children.len() >= 2, "{calls:?}");
    for child in children {
        for private in PRIVATE {
            assert!(!child.arguments.contains(private), "{private} in {child:?}");
        }
    }
}

#[test]
fn plaintext_is_written_to_the_generation_alone_and_keys_nowhere() {
    let Some(world) = world() else { return };
    let mut writes = 0;
    for key in [ONE, OTHER] {
        let calls = trace(&world, &manifest(&world, key), &[]);
        let out = [
            "write",
            "writev",
            "pwrite64",
            "pwritev",
            "pwritev2",
            "sendto",
            "sendmsg",
            "sendmmsg",
            "sendfile",
            "copy_file_range",
            "splice",
        ];
        for call in calls.iter().filter(|call| out.contains(&call.name.as_str())) {
            writes += 1;
            let is_ours = call.descriptor().is_some_and(|path| path.starts_with("/run/secrets.d/"));
            for private in &PRIVATE[if is_ours { 0..2 } else { 0..PRIVATE.len() }] {
                assert!(!call.arguments.contains(private), "{private} in {call:?}");
            }
        }
    }
    assert!(writes >= 8, "only {writes} writes seen");
}

/// Installs the manifest of [`manifest`], and returns the calls of a second run with other values.
fn second_run(world: &World) -> Vec<Call> {
    world.install(&manifest(world, ONE));
    trace(world, &manifest(world, OTHER), &[])
}

/// The position of the call that puts the new link in its place.
fn swap(calls: &[Call]) -> usize {
    let is_swap = |call: &Call| call.name == "renameat2" && call.succeeded() && call.paths().contains(&"/run/secrets".to_owned());
    calls.iter().position(is_swap).unwrap()
}

#[test]
fn the_requests_of_units_are_recorded_before_the_link_is_swapped_and_made_after_it() {
    let Some(world) = world() else { return };
    let calls = second_run(&world);
    let (record, list) = ("/run/secrets.d/2.pending", "/run/nixos/activation-restart-list");
    let on = |path: &str, name: &str| {
        calls
            .iter()
            .rposition(|call| {
                call.name == name && (call.descriptor() == Some(path) || call.paths().iter().any(|one| one == path))
            })
            .unwrap()
    };
    assert!(on(record, "write") < swap(&calls), "recorded too late");
    assert!(swap(&calls) < on(list, "write"), "told too early");
    assert!(on(list, "write") < on(record, "unlinkat"), "forgotten too early");
}

#[test]
fn a_run_that_is_killed_right_after_the_swap_leaves_its_requests_to_the_next() {
    let Some(watched) = world() else { return };
    let calls = second_run(&watched);
    let swap = swap(&calls);
    let next = calls[swap + 1..]
        .iter()
        .find(|call| call.thread == calls[swap].thread)
        .unwrap();
    let before = calls[..=swap]
        .iter()
        .filter(|call| call.thread == next.thread && call.name == next.name);
    let kill = format!("inject={}:signal=KILL:when={}", next.name, before.count() + 1);

    let Some(world) = world() else { return };
    world.install(&manifest(&world, ONE));
    let (said, _) = world.trace(&manifest(&world, OTHER), &["-y", "-e", &kill], &[]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(world.shell("readlink /run/secrets; ls /run/nixos"), "/run/secrets.d/2\n");
    assert_eq!(world.read("/run/secrets/deep/down/a"), "correct horse battery staple");
    world.install(&manifest(&world, OTHER));
    assert_eq!(world.read("/run/nixos/activation-restart-list"), "a.service\n");
    assert_eq!(world.read("/run/nixos/activation-reload-list"), "r.service\n");
}

/// A hundred small sops files.
fn many_files(world: &World) -> Manifest {
    let text = fs::read(world.fixture("nesting.json")).unwrap();
    let files: Vec<_> = (0..100)
        .map(|number| world.write(&format!("many-{number}.json"), &text))
        .collect();
    files.iter().enumerate().fold(world.manifest(), |manifest, (number, file)| {
        manifest.secret(&format!("s{number}"), file, ONE)
    })
}

/// Checks that each of the hundred files was opened once, by a thread that was confined before.
fn check_threads(calls: &[Call]) {
    let is_sops_file = |call: &Call| call.opens() && call.paths().iter().any(|path| path.contains("/many-"));
    let mut threads: Vec<_> = calls
        .iter()
        .filter(|call| is_sops_file(call))
        .map(|call| call.thread)
        .collect();
    assert_eq!(threads.len(), 100);
    threads.sort_unstable();
    threads.dedup();
    for thread in &threads {
        let of_thread = |call: &&Call| call.thread == *thread;
        let before = calls.iter().filter(of_thread).take_while(|call| !is_sops_file(call));
        let names: Vec<_> = before.map(|call| call.name.as_str()).collect();
        for restriction in ["landlock_restrict_self", "capset", "seccomp"] {
            assert!(names.contains(&restriction), "{restriction} is not among {names:?}");
        }
    }
}

#[test]
fn each_thread_that_opens_a_sops_file_is_confined() {
    let Some(world) = world() else { return };
    let calls = trace(&world, &many_files(&world), &[]);
    check_threads(&calls);
    // On a busy machine, one thread may open all files before another thread gets its turn.
    let confined = calls.iter().filter(|call| call.name == "landlock_restrict_self").count();
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(processors == 1 || confined > 1, "there is one thread for all files");
}

#[test]
fn each_thread_that_opens_a_sops_file_is_confined_even_if_few_threads_can_be_started() {
    if !has("strace") || !common::is_root() {
        return say("skipped: needs strace, and root to become another user");
    }
    let world = World::user();
    let manifest = many_files(&world);
    let (log, file) = (world.input("trace"), world.save(&manifest));
    // The limit counts all threads of a user. So no other test uses this user, nor does the same test of another process.
    let owner = 1_000_000_000 + std::process::id();
    let chown = Command::new("chown")
        .args(["-R", &owner.to_string()])
        .arg(world.input(""))
        .status();
    assert!(chown.unwrap().success());
    // The program and its first confined thread are two threads.
    for most in 2..=4 {
        let mut command = world.command("strace");
        command.uid(0).arg("-f").arg("-o").arg(&log).args(WITH_PATHS);
        command.args(["setpriv", &format!("--reuid={owner}"), "prlimit", &format!("--nproc={most}")]);
        command.arg(world.executable()).arg(&file);
        let said = world.finish(&mut command);
        assert_eq!(said.code, Some(0), "{most}: {said:?}");
        check_threads(&common::calls(&log));
        // The log contains plaintext, so it is removed.
        fs::remove_file(&log).unwrap();
    }
}
