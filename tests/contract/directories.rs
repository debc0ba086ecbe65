//! Tests the rights of directories.

use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use crate::common::{Manifest, World};

fn manifest(world: &World, directories: Value) -> Manifest {
    let file = world.fixture("nesting.json");
    let manifest = world.manifest().with("version", 1).with("directories", directories);
    manifest
        .secret("scripts/a", &file, "database/host")
        .secret("scripts/in/b", &file, "database/host")
        .secret("other/c", &file, "database/host")
        .template("app/t", "text", json!({}))
}

/// The mode and the owner of each directory of the live generation, and the generation.
fn rights(world: &World) -> String {
    world.shell("cd /run/secrets/ && find . -type d -printf '%P %m %U:%G\n' | LC_ALL=C sort; readlink /run/secrets")
}

#[test]
fn directories_have_the_rights_of_the_manifest_and_a_change_of_them_is_a_change() {
    let Some(world) = World::system() else { return };
    let said = world.install(&manifest(
        &world,
        json!({"scripts": {"mode": "0750", "group": "web"}, "rendered/app": {"mode": "0700"}}),
    ));
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    let usual = world.shell("stat -c %u:%g /run/secrets/other").trim().to_owned();
    let first = format!(
        " 751 {usual}\nother 751 {usual}\nrendered 751 {usual}\nrendered/app 700 {usual}\nscripts 750 0:60\nscripts/in 751 {usual}\n/run/secrets.d/1\n"
    );
    assert_eq!(rights(&world), first);
    let inode = |path: &str| world.path(path).metadata().unwrap().ino();
    let kept = inode("/run/secrets.d/1/scripts/a");

    // The same again changes nothing.
    let same = manifest(
        &world,
        json!({"scripts": {"mode": "0750", "group": "web"}, "rendered/app": {"mode": "0700"}}),
    );
    assert_eq!(world.install(&same).out, "");
    assert_eq!(rights(&world), first);

    // A mode alone, told before and by the run. The files stay the same.
    let opened = manifest(&world, json!({"scripts": {"mode": "0755"}}));
    let dry = world.run_with(&opened, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!(dry.out, "would modify directories: rendered/app, scripts\n");
    assert_eq!(world.install(&opened).out, "modifying directories: rendered/app, scripts\n");
    assert_eq!(
        rights(&world),
        format!(
            " 751 {usual}\nother 751 {usual}\nrendered 751 {usual}\nrendered/app 751 {usual}\nscripts 755 {usual}\nscripts/in 751 {usual}\n/run/secrets.d/2\n"
        )
    );
    assert_eq!(inode("/run/secrets.d/2/scripts/a"), kept);

    // Without the field, all are alike.
    assert_eq!(
        world.install(&opened.without("directories")).out,
        "modifying directory: scripts\n"
    );
    assert_eq!(world.shell("stat -c %a /run/secrets/scripts"), "751\n");
}

#[test]
fn a_directory_without_its_group_fails_with_what_lies_in_it() {
    let Some(world) = World::system() else { return };
    let said = world.run(&manifest(&world, json!({"scripts": {"mode": "0750", "group": "nobodys"}})));
    assert_eq!(said.code, Some(3));
    let failed: Vec<_> = said.err.lines().take(2).collect();
    let problem = "directory \"scripts\": there is no group \"nobodys\"; declare the group in users.groups, or correct group";
    assert_eq!(
        failed,
        [
            format!("error: secret \"scripts/a\": {problem}"),
            format!("error: secret \"scripts/in/b\": {problem}")
        ]
    );
    assert_eq!(
        world.shell("cd /run/secrets/; find . -type f | sort"),
        "./other/c\n./rendered/app/t\n"
    );
}

#[test]
fn an_early_directory_has_its_mode_and_the_group_of_root() {
    let Some(world) = World::system() else { return };
    let manifest = manifest(&world, json!({"scripts": {"mode": "0700", "group": "nobodys"}}));
    let said = world.run_with(&manifest, |command| command.arg("-ignore-passwd"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.shell("stat -c '%a %u:%g' /run/secrets/scripts"), "700 0:0\n");
}

#[test]
fn a_directory_of_a_user_has_its_mode() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let manifest = world
        .manifest()
        .with("version", 1)
        .secret("scripts/a", &file, "database/host");
    world.install(&manifest.with("directories", json!({"scripts": {"mode": "0700"}})));
    let link = world.input("home/.config/sops-nix/secrets");
    let mode = link.join("scripts").metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode, 0o700);
}
