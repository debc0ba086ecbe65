//! Tests recipients of hardware keys with a tag, `age1tag1…` and `age1tagpq1…`. Such a recipient does not tell which plugin has its
//! identity.

use std::env;
use std::fs;

use age_core::primitives::bech32_encode;
use bech32::Hrp;
use expect_test::expect;

use crate::common::{Said, World, copy_program, has};
use crate::host::Host;
use crate::{fixture, paragraph};

/// The identity of `age-plugin-tagtest`. age has this plugin for tests, and its key is public.
fn tagtest() -> String {
    bech32_encode(Hrp::parse("age-plugin-tagtest-").unwrap(), &[]).to_uppercase()
}

/// The identity of a simulated TPM with a fixed seed, in the form in which its plugin writes it.
fn tpm() -> String {
    fs::read_to_string(fixture("tagged/tpm.txt")).unwrap()
}

/// A world in which the program's user can reach this plugin.
fn world_with(plugin: &str) -> World {
    let world = World::user();
    let search = env::var_os("PATH").unwrap();
    let program = env::split_paths(&search)
        .map(|dir| dir.join(plugin))
        .find(|path| path.is_file());
    fs::create_dir_all(world.input("bin")).unwrap();
    copy_program(&program.unwrap(), &world.input("bin").join(plugin));
    // The plugin may contain words that are also in the fixtures.
    world.allow_input(&format!("bin/{plugin}"));
    world
}

/// The output of a run that needs a file with a tagged recipient, and the published content.
fn says(world: World, host: &Host, file: &str) -> (Said, Option<Vec<u8>>) {
    let host = host.ready_in(world).unwrap();
    let copy = host
        .world
        .write("host.yaml", fs::read(fixture(&format!("tagged/{file}"))).unwrap());
    let host = host.with_files([&copy]);
    (host.run(), host.published("host.yaml"))
}

/// Fails unless the plugin opens the file.
fn opens(plugin: &str, host: &Host, file: &str) {
    if has(plugin) {
        let (said, published) = says(world_with(plugin), host, file);
        assert_eq!(
            (said.code, said.err.contains("warning: cannot")),
            (Some(0), false),
            "{said:?}"
        );
        assert_eq!(published.unwrap(), b"database:\n    host: db.example.com\n");
    }
}

#[test]
fn a_plugin_opens_what_is_for_tagged_recipients_of_both_kinds() {
    let host = Host::new().identity(&tagtest());
    opens("age-plugin-tagtest", &host, "to-tag.yaml");
    opens("age-plugin-tagtest", &host, "to-tagpq.yaml");
}

#[test]
fn a_key_in_a_tpm_opens_what_is_for_the_recipient_that_its_plugin_prints() {
    let host = Host::new().identity(&tpm()).variable("_AGE_TPM_SIMULATOR", "1");
    opens("age-plugin-tpm", &host, "to-tpm.yaml");
}

#[test]
fn without_the_plugin_or_its_identity_the_report_names_what_is_missing_and_adds_nothing_that_is_there() {
    let none = || Host::new().variable("PATH", "/nowhere");
    let mut text = String::new();
    for (heading, host) in [
        ("no key", none()),
        ("another key", none().age("age.txt")),
        ("no program for the identity", none().identity(&tpm())),
        ("the same beside another key", none().identity(&tpm()).age("age.txt")),
    ] {
        text += &paragraph(heading, &says(World::user(), &host, "to-tpm.yaml").0);
    }
    let silent = Host::new().identity(&crate::host::plugin_identity("name", &["silent"]));
    text += &paragraph(
        "a plugin that has another key",
        &says(World::user(), &silent, "to-tag.yaml").0,
    );
    expect![[r#"
        # no key: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1tag1q23nxv7vj6ny8yquhst4wduuspypar6mavur2myquayushqeytw8qmpeqat  (needs an identity of the plugin for its hardware, such as age-plugin-tpm, -yubikey or -se)
          this host has no key: no source of keys is set
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # another key: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1tag1q23nxv7vj6ny8yquhst4wduuspypar6mavur2myquayushqeytw8qmpeqat  (needs an identity of the plugin for its hardware, such as age-plugin-tpm, -yubikey or -se)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # no program for the identity: 1
        warning: cannot use line 5 of $DIR/keys.txt: age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1tag1q23nxv7vj6ny8yquhst4wduuspypar6mavur2myquayushqeytw8qmpeqat  (age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins)
          this host has:
            age-plugin-tpm  for line 5 of $DIR/keys.txt
            (no key)  line 5 of $DIR/keys.txt: age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins
          hint: repair the fault named above
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # the same beside another key: 1
        warning: cannot use line 5 of $DIR/keys.txt: age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1tag1q23nxv7vj6ny8yquhst4wduuspypar6mavur2myquayushqeytw8qmpeqat  (age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-tpm  for line 5 of $DIR/keys.txt
            (no key)  line 5 of $DIR/keys.txt: age-plugin-tpm: no such program in PATH; add its package to sops.age.plugins
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # a plugin that has another key: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h  (no identity of age-plugin-test fits)
          this host has:
            age-plugin-test  for line 1 of $DIR/keys.txt
          hint: add the recipient of line 1 of $DIR/keys.txt to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

    "#]].assert_eq(&text);
}
