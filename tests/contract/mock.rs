//! Mocks: dummies in the place of all secrets.

use std::path::Path;

use serde_json::json;

use crate::common::{Manifest, World, token};

/// Secrets of all forms from files that are not there, and no key.
fn mock(world: &World) -> Manifest {
    let file = |name: &str| Path::new("/nowhere").join(name);
    world
        .manifest()
        .with("version", 1)
        .with("mock", true)
        .secret("db/password", &file("a.yaml"), "db/password")
        .secret("yaml", &file("a.yaml"), "")
        .secret("json", &file("a.json"), "")
        .secret("env", &file("a.env"), "")
        .secret("ini", &file("a.ini"), "")
        .secret("bin", &file("a.bin"), "")
        .secret_with(
            "given",
            &file("a.json"),
            "x",
            json!({"mockValue": "$y$it's\n", "owner": "alice", "mode": "0440", "path": "/etc/app/given"}),
        )
        .template(
            "t",
            &format!("a={} b={}", token("db/password"), token("given")),
            json!({"mode": "0444"}),
        )
        .without("ageKeyFile")
}

const WARNING: &str = "warning: all secrets in /run/secrets are dummies, because sops.mock is on; on a real host, set sops.mock to false, and switch\n";

#[test]
fn every_secret_is_a_dummy_of_its_form_and_marked_as_one() {
    let Some(world) = World::system() else { return };
    let said = world.install(&mock(&world));
    assert_eq!(said.err, WARNING);
    let contents = world.shell("cd /run/secrets; for f in .MOCK bin db/password env ini json yaml given rendered/t; do echo \"[$f]\"; cat $f; echo; done");
    assert_eq!(
        contents,
        "[.MOCK]\nAll secrets here are dummies, because sops.mock is on.\n\n[bin]\nMOCK-bin\n\n[db/password]\nMOCK-db-password\n\
         [env]\nMOCK=MOCK-env\n\n[ini]\n[mock]\nmock = MOCK-ini\n\n[json]\n{\"mock\": \"MOCK-json\"}\n\n[yaml]\nmock: MOCK-yaml\n\n\
         [given]\n$y$it's\n\n[rendered/t]\na=MOCK-db-password b=$y$it's\n\n"
    );
    let there = world.shell("cd /run/secrets; stat -c '%n %a %U' .MOCK given db/password; readlink /etc/app/given");
    assert_eq!(
        there,
        ".MOCK 444 root\ngiven 440 alice\ndb/password 400 root\n/run/secrets/given\n"
    );
}

#[test]
fn a_mock_that_changes_nothing_writes_nothing_and_warns_again() {
    let Some(world) = World::system() else { return };
    world.install(&mock(&world));
    let said = world.install(&mock(&world));
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", WARNING));
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
}

/// A real host that gets its keys back has no dummy left, and no mark.
#[test]
fn the_real_secrets_take_the_place_of_the_dummies() {
    let Some(world) = World::system() else { return };
    let real = |manifest: Manifest| manifest.secret("host", &world.fixture("nesting.json"), "database/host");
    world.install(&real(world.manifest().with("version", 1).with("mock", true)));
    assert_eq!(world.read("/run/secrets/host"), "MOCK-host");
    let said = world.install(&real(world.manifest().with("version", 1)));
    assert_eq!(said.err, "");
    assert_ne!(world.read("/run/secrets/host"), "MOCK-host");
    assert_eq!(world.shell("ls -A /run/secrets"), "host\n");
    // And the other way round.
    world.install(&real(world.manifest().with("version", 1).with("mock", true)));
    assert_eq!(world.read("/run/secrets/host"), "MOCK-host");
    assert_eq!(world.shell("ls -A /run/secrets"), ".MOCK\nhost\n");
}

#[test]
fn a_plain_user_has_dummies_as_well_and_no_key_of_the_user_is_used() {
    let world = World::user();
    world.write("home/.config/sops/age/keys.txt", "this is no key");
    let manifest = world
        .manifest()
        .with("version", 1)
        .with("mock", true)
        .without("ageKeyFile")
        .secret("a/b", Path::new("/nowhere.json"), "x");
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(0));
    assert!(!said.err.contains("keys.txt"), "{}", said.err);
    assert_eq!(world.shell("cat run/secrets.d/1/a/b"), "MOCK-a-b");
    assert_eq!(world.shell("stat -c %a run/secrets.d/1/.MOCK"), "444\n");
}

#[test]
fn if_every_owner_is_missing_the_mark_alone_is_not_published() {
    let Some(world) = World::system() else { return };
    let manifest = world.manifest().with("version", 1).with("mock", true);
    let said = world.run(&manifest.secret_with("a", Path::new("/n.json"), "x", json!({"owner": "nobody-has-this-name"})));
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(!world.path("/run/secrets").is_symlink());
}
