//! Tests a run that is told to end. No child process is left, and the failure policy decides about the secrets that were ready.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::World;
use crate::host::{Host, Ready, plugin_identity};
use crate::{fixture, paragraph};

/// A program that never answers, and that has a child process that never answers either. Both process numbers are in a file.
const HANGING: &str = "echo $$ >> $DIR/started; sleep 300 & echo $! >> $DIR/started; wait";

/// Limit for work that takes almost no time on an idle machine.
const LONG: Duration = Duration::from_secs(30);

/// Hosts on which a program hangs, each with the file about which the program is asked.
fn hosts() -> Vec<(&'static str, Host, &'static str)> {
    let hanging = |name| Host::new().script(name, HANGING);
    let command = |variable| hanging("hanging").variable(variable, "hanging");
    let gpg = || Host::new().gnupg("pgp.asc");
    vec![
        ("age key command", command("SOPS_AGE_KEY_CMD"), "to-other.yaml"),
        ("SSH key command", command("SOPS_AGE_SSH_PRIVATE_KEY_CMD"), "to-other.yaml"),
        (
            "plugin",
            hanging("age-plugin-test").identity(&plugin_identity("x", &[])),
            "to-other.yaml",
        ),
        // This agent is a real one.
        ("gpg", hanging("gpg").and(gpg()), "to-pgp.yaml"),
        ("gpgconf", hanging("gpgconf").script("gpg", "").and(gpg()), "to-pgp.yaml"),
        ("gpg-agent", hanging("gpg-agent").script("gpg", "").and(gpg()), "to-pgp.yaml"),
    ]
}

/// Waits until `condition` is true. Returns false if that takes too long.
fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + LONG;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}

/// The process numbers in the file, after both were written.
fn started(world: &World) -> Vec<String> {
    let file = world.input("started");
    let read = || fs::read_to_string(&file).unwrap_or_default();
    assert!(soon(|| read().lines().count() == 2), "{}", read());
    read().lines().map(str::to_owned).collect()
}

/// Whether a process lives. A process that has ended, but whose parent has not read its exit code yet, does not count as alive.
fn lives(process: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

/// Tells a run to end, and waits for it.
fn end(run: Child, signal: Signal) -> Output {
    kill_process(Pid::from_child(&run), signal).unwrap();
    run.wait_with_output().unwrap()
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn start_run(host: &Ready) -> Child {
    let manifest = host.world.save(&host.manifest);
    start(host.world.program([manifest]).envs(host.variables.iter().cloned()))
}

/// The host with two files: one that it opens itself, and one about which a program is asked.
fn ready(host: Host, closed: &str) -> Option<Ready> {
    let host = host.age("age.txt").field("keyTimeout", 100).ready()?;
    let files = ["text.bin", closed].map(|name| host.world.fixture(name));
    Some(host.with_files(&files))
}

#[test]
fn no_child_outlives_a_run_that_is_told_to_end_and_what_was_open_is_published() {
    for (what, host, closed) in hosts() {
        for signal in [Signal::TERM, Signal::INT] {
            let Some(host) = ready(host.clone(), closed) else { return };
            let run = start_run(&host);
            let children = started(&host.world);
            let before = Instant::now();
            let said = host.world.said(&end(run, signal));
            assert!(before.elapsed() < Duration::from_secs(30), "{what}");
            assert_eq!(said.code, Some(3), "{what}: {said:?}");
            let stopped = format!(
                "error: cannot decrypt $DIR/{closed} (needed by secret {closed}): stopped: this run was told to end; run this again\n\
                 error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: {closed}; repair the faults named above, and run: \
                 systemctl --user restart sops-nix\n"
            );
            let text = paragraph(what, &said);
            assert!(text.contains(&stopped), "{text}");
            assert!(host.published("text.bin").is_some(), "{what}");
            assert!(soon(|| !children.iter().any(|child| lives(child))), "{what}: {children:?}");
            let agent = host.world.input("gnupg/S.gpg-agent");
            assert!(UnixStream::connect(agent).is_err(), "{what}: its agent serves on");
        }
    }
}

#[test]
fn a_run_that_is_told_to_end_leaves_what_is_live_as_it_is() {
    let (_, host, closed) = hosts().swap_remove(0);
    let Some(mut host) = ready(host, closed) else { return };
    let whole = host.manifest.clone();
    host.manifest = host.world.manifest().secret("text.bin", &fixture("text.bin"), "");
    assert_eq!(host.run().code, Some(0));
    host.manifest = whole.secret("new", &fixture("text.bin"), "");
    let run = start_run(&host);
    started(&host.world);
    let said = host.world.said(&end(run, Signal::TERM));
    assert_eq!(said.code, Some(1), "{said:?}");
    let last =
        "error: nothing was changed, because these failed: to-other.yaml; $DIR/home/.config/sops-nix/secrets is unchanged\n";
    assert!(said.err.ends_with(last), "{said:?}");
    assert!(host.published("text.bin").is_some() && host.published("new").is_none());
}

#[test]
fn a_run_that_waits_for_another_can_be_told_to_end() {
    let Some(world) = World::system() else { return };
    let manifest = |key| world.manifest().secret("a", &fixture("nesting.json"), key);
    world.install(&manifest("database/host"));
    let lock = fs::File::open(world.path("/run/secrets.d/.lock")).unwrap();
    lock.lock().unwrap();
    let run = start(&mut world.program([world.save(&manifest("a/b/c/d"))]));
    // By this time, the run only waits for the lock.
    sleep(Duration::from_secs(2));
    let said = world.said(&end(run, Signal::TERM));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        said.err,
        "error: this run was told to end before it changed anything; /run/secrets is unchanged; if you started it by hand, start it again; \
         otherwise run: /run/current-system/activate\n"
    );
    assert_eq!(world.read("/run/secrets/a"), "db.example.org");
}

#[test]
fn systemctl_does_not_outlive_the_run_and_the_next_run_tells_the_units() {
    let Some(world) = World::system() else { return };
    let units = serde_json::json!({"restartUnits": ["a.service"]});
    let manifest = |key| {
        world
            .manifest()
            .secret_with("a", &fixture("nesting.json"), key, units.clone())
    };
    world.install(&manifest("database/host"));
    let dir = world.input("").display().to_string();
    let bin = world.script("systemctl", &format!("#!/bin/sh\n{}\n", HANGING.replace("$DIR/", &dir)));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = world.program([world.save(&manifest("a/b/c/d"))]);
    let run = start(command.env("PATH", &path).env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1"));
    let children = started(&world);
    let said = world.said(&end(run, Signal::TERM));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.err,
        "error: systemctl try-restart was stopped: this run was told to end; run: systemctl try-restart a.service\n"
    );
    assert!(soon(|| !children.iter().any(|child| lives(child))), "{children:?}");
    assert_eq!(world.read("/run/secrets/a"), "deep");
    world.install(&manifest("a/b/c/d"));
    assert_eq!(world.read("/run/nixos/activation-restart-list"), "a.service\n");
}
