//! Tests the keys in a person's home. They are used only in user mode, only if the manifest names no key, and only with a notice.

use std::path::PathBuf;

use expect_test::expect;
use serde_json::json;

use crate::common::{Manifest, Said, World};
use crate::{fixture, paragraph};

/// A manifest with a secret of this file, and without keys.
fn without_keys(world: &World, file: &str) -> Manifest {
    let manifest = world.manifest().without("ageKeyFile").without("logging");
    manifest.secret("s", &world.fixture(file), "")
}

/// Copies a key of the fixtures to a place where a person usually has one.
fn own(world: &World, place: &str, key: &str) -> PathBuf {
    world.write(place, std::fs::read(fixture(&format!("keys/{key}"))).unwrap())
}

/// Runs the program for a person with a home.
fn run(world: &World, manifest: &Manifest) -> Said {
    world.run_with(manifest, |command| {
        command.env("HOME", world.input("home")).env("NIXOS_ACTION", "dry-activate")
    })
}

#[test]
fn own_keys_open_files_and_are_named_where_the_manifest_names_none() {
    let mut text = String::new();
    for (place, key, file) in [
        ("home/.config/sops/age/keys.txt", "age.txt", "text.bin"),
        ("home/.ssh/id_ed25519", "ssh_ed25519", "to-native-ed25519.yaml"),
        ("home/.ssh/id_rsa", "ssh_rsa", "to-native-rsa.yaml"),
    ] {
        let world = World::user();
        own(&world, place, key);
        text += &paragraph(key, &run(&world, &without_keys(&world, file)));
    }
    let world = World::user();
    own(&world, "config/sops/age/keys.txt", "age.txt");
    // If the person has another directory for configurations, this key is not used.
    own(&world, "home/.config/sops/age/keys.txt", "other-age.txt");
    own(&world, "home/.ssh/id_rsa", "ssh_rsa");
    let said = world.run_with(&without_keys(&world, "text.bin"), |command| {
        let command = command.env("HOME", world.input("home")).env("NIXOS_ACTION", "dry-activate");
        command.env("XDG_CONFIG_HOME", world.input("config"))
    });
    text += &paragraph("XDG_CONFIG_HOME, and a second key", &said);
    expect![[r#"
        # age.txt: 0
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/home/.config/sops/age/keys.txt

        # ssh_ed25519: 0
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/home/.ssh/id_ed25519

        # ssh_rsa: 0
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/home/.ssh/id_rsa

        # XDG_CONFIG_HOME, and a second key: 0
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/config/sops/age/keys.txt, $DIR/home/.ssh/id_rsa

    "#]].assert_eq(&text);
}

#[test]
fn an_own_key_that_cannot_be_used_is_no_news_while_another_opens_the_file() {
    let world = World::user();
    own(&world, "home/.config/sops/age/keys.txt", "age.txt");
    own(&world, "home/.ssh/id_ed25519", "ssh_passphrase");
    let mut text = paragraph("opened", &run(&world, &without_keys(&world, "text.bin")));
    text += &paragraph("closed", &run(&world, &without_keys(&world, "to-other.yaml")));
    expect![[r#"
        # opened: 0
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/home/.config/sops/age/keys.txt

        # closed: 1
        sops-install-secrets: the manifest names no key, so your own keys are used: $DIR/home/.config/sops/age/keys.txt
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/home/.config/sops/age/keys.txt
            (no key)  $DIR/home/.ssh/id_ed25519: it is protected by a passphrase, and this program never asks for one
            (no key)  $DIR/home/.ssh/id_rsa: no such file
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

    "#]].assert_eq(&text);
}

#[test]
fn a_manifest_that_names_any_key_leaves_own_keys_alone() {
    for (field, value) in [
        ("ageKeyFile", json!("/nowhere/keys.txt")),
        ("ageSshKeyPaths", json!(["/nowhere/id_ed25519"])),
        ("sshKeyPaths", json!(["/nowhere/id_rsa"])),
        ("gnupgHome", json!("/nowhere/gnupg")),
        ("ageKeyCredential", json!("nowhere")),
    ] {
        let world = World::user();
        own(&world, "home/.config/sops/age/keys.txt", "age.txt");
        let said = run(&world, &without_keys(&world, "text.bin").with(field, value));
        assert_eq!(said.code, Some(1), "{field}: {said:?}");
        assert!(!said.err.contains("your own"), "{field}: {said:?}");
    }
}

#[test]
fn system_mode_looks_into_no_home() {
    let Some(world) = World::system() else { return };
    own(&world, "home/.config/sops/age/keys.txt", "age.txt");
    own(&world, "home/.ssh/id_ed25519", "ssh_ed25519");
    let said = run(&world, &without_keys(&world, "text.bin"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(!said.err.contains("your own") && !said.err.contains("home"), "{said:?}");
}

#[test]
fn own_keys_behind_a_passphrase_are_named_with_what_to_do() {
    let world = World::user();
    let armored = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n";
    world.write("home/.config/sops/age/keys.txt", armored);
    own(&world, "home/.ssh/id_ed25519", "ssh_passphrase");
    let mut text = paragraph("armored", &run(&world, &without_keys(&world, "text.bin")));
    std::fs::remove_file(world.input("home/.ssh/id_ed25519")).unwrap();
    world.write("home/.config/sops/age/keys.txt", "age-encryption.org/v1\n-> scrypt xxx 18\n");
    text += &paragraph("binary", &run(&world, &without_keys(&world, "text.bin")));
    expect![[r#"
        # armored: 1
        error: cannot decrypt $DIR/text.bin (needed by secret s)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has:
            (no key)  $DIR/home/.ssh/id_ed25519: it is protected by a passphrase, and this program never asks for one
            (no key)  $DIR/home/.ssh/id_rsa: no such file
            (no key)  $DIR/home/.config/sops/age/keys.txt: it is encrypted with a passphrase, and this program never asks for one
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

        # binary: 1
        error: cannot decrypt $DIR/text.bin (needed by secret s)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has:
            (no key)  $DIR/home/.ssh/id_ed25519: no such file
            (no key)  $DIR/home/.ssh/id_rsa: no such file
            (no key)  $DIR/home/.config/sops/age/keys.txt: it is encrypted with a passphrase, and this program never asks for one
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

    "#]].assert_eq(&text);
}
