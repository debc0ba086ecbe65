//! Tests of the programs that try rendered templates.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::common::{Manifest, World, token};

/// Makes a program of a shell.
fn program(world: &World, name: &str, script: &str) -> PathBuf {
    world.script(name, &format!("#!/bin/sh\n{script}\n")).join(name)
}

/// A manifest with the template `app/t.conf`, which the script tries.
fn tried(world: &World, content: &str, script: &str) -> Manifest {
    let file = world.fixture("nesting.json");
    world
        .manifest()
        .with("version", 1)
        .secret("password", &file, "database/users/admin/password")
        .template("app/t.conf", content, json!({"check": program(world, "check", script)}))
}

#[test]
fn a_program_has_the_text_in_a_file_of_its_own_and_nothing_else() {
    let Some(world) = World::system() else { return };
    let seen = world.write("seen", "");
    let script = format!(
        "{{ cat; echo; cat \"$1\"; echo; echo \"$1\"; stat -c '%a %u' \"$1\" \"${{1%/*}}\"; stat -f -c %T \"$1\"; ls /run/secrets; env; }} > {} 2>&1",
        seen.display()
    );
    let manifest = tried(&world, &format!("p={}", token("password")), &script);
    let said = world.run_with(&manifest, |command| {
        command.env("SOPS_AGE_KEY_CMD", "false").env("TOKEN", "x")
    });
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let path = "/run/secrets.d/.check/t.conf";
    let seen = fs::read_to_string(&seen).unwrap();
    let expected = format!(
        "p=correct horse battery staple\np=correct horse battery staple\n{path}\n400 0\n700 0\nramfs\nls: cannot access '/run/secrets': No such file or directory\n"
    );
    let (before, variables) = seen.split_at(expected.len());
    assert_eq!(before, expected);
    let names: Vec<_> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert!(
        names.contains(&"PATH") && !names.contains(&"TOKEN") && !variables.contains("SOPS"),
        "{variables}"
    );
    assert_eq!(
        world.read("/run/secrets/rendered/app/t.conf"),
        "p=correct horse battery staple"
    );
    assert_eq!(world.shell("ls -A /run/secrets.d | grep check || true"), "");
}

#[test]
fn a_text_that_its_program_refuses_is_a_failure_that_quotes_nothing() {
    let Some(world) = World::system() else { return };
    let bad = tried(&world, &token("password"), "cat; cat >&2 \"$1\"; exit 7").template("other", "x", json!({}));
    let said = world.run(&bad);
    let words = "error: template \"app/t.conf\": its check $DIR/bin/check: exit status 7; to see what it says, run this on a terminal: SOPS_SHOW_CHECKS=1 sops-install-secrets ";
    assert!(said.err.starts_with(words), "{}", said.err);
    assert!(!format!("{said:?}").contains("horse"), "{said:?}");
    assert_eq!(said.code, Some(3), "nothing was live, so the rest is published");
    assert_eq!(world.shell("ls /run/secrets/rendered"), "other\n");
    let said = world.run(&bad);
    assert_eq!(said.code, Some(1), "the rest is live, so nothing changes: {}", said.err);
    let killed = tried(&world, "x", "kill -9 $$");
    let said = world.run(&killed);
    assert!(
        said.err.contains("its check $DIR/bin/check: ended by signal 9; "),
        "{}",
        said.err
    );
}

#[test]
fn only_a_text_that_is_not_live_is_tried() {
    let Some(world) = World::system() else { return };
    let tries = world.write("tries", "");
    let script = format!("echo tried >> {}", tries.display());
    let count = || fs::read_to_string(&tries).unwrap().lines().count();
    let manifest = tried(&world, "1", &script);
    let dry = world.run_with(&manifest, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((dry.code, count()), (Some(0), 0));
    world.install(&manifest);
    world.install(&manifest);
    assert_eq!(count(), 1);
    world.install(&tried(&world, "2", &script));
    assert_eq!(count(), 2);
    assert_eq!(world.run(&tried(&world, "3", &script).with("mock", true)).code, Some(0));
    assert_eq!(count(), 2);
}

#[test]
fn what_a_killed_run_has_tried_is_removed_by_the_next() {
    let Some(world) = World::system() else { return };
    let manifest = tried(&world, "1", "true");
    world.install(&manifest);
    let left = "mkdir -m 700 /run/secrets.d/.check && echo x > /run/secrets.d/.check/t.conf";
    world.shell(left);
    world.install(&manifest);
    assert_eq!(world.shell("ls -A /run/secrets.d | grep check || true"), "");
    world.shell(left);
    world.install(&tried(&world, "2", "true"));
    assert_eq!(world.shell("ls -A /run/secrets.d | grep check || true"), "");
}

/// Its owner can keep a file from being read, by a mode or a lease. That must not stop an installation.
#[test]
fn a_live_text_that_cannot_be_read_is_tried_again() {
    let world = World::user();
    let tries = world.write("tries", "");
    let script = format!("echo tried >> {}", tries.display());
    let manifest = world.manifest().with("version", 1).template(
        "t",
        "1",
        json!({"mode": "0000", "check": program(&world, "check", &script)}),
    );
    world.install(&manifest);
    world.install(&manifest);
    assert_eq!(fs::read_to_string(&tries).unwrap(), "tried\ntried\n");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let Some(world) = World::system() else { return };
    let manifest = world.manifest().with("version", 1);
    let said = world.run(&manifest.template("t", "1", json!({"check": world.input("absent")})));
    assert!(
        said.err.starts_with("error: template \"t\": its check $DIR/absent: "),
        "{}",
        said.err
    );
}
