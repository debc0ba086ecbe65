//! Tests files in which a recipient entry holds the data key of another file, or a share of it.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use crate::common::World;
use crate::host::{Host, Ready};
use crate::{fixture, paragraph};

/// The recipient of `age.txt`.
const AGE: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";

/// The message for the recipient in a JSON fixture, in the form in which the file has it.
fn message(file: &str, recipient: &str) -> String {
    let value: Value = serde_json::from_str(&fs::read_to_string(fixture(file)).unwrap()).unwrap();
    let groups = value["sops"]["key_groups"].as_array().cloned();
    let groups = groups.unwrap_or_else(|| vec![value["sops"].clone()]);
    let mut entries = groups
        .iter()
        .flat_map(|group| group["age"].as_array().cloned().unwrap_or_default());
    let entry = entries.find(|entry| entry["recipient"] == recipient).unwrap();
    entry["enc"].to_string()
}

/// A JSON fixture in which the message for `age.txt` is replaced by the message of another fixture.
fn spliced(world: &World, file: &str, other: &str) -> std::path::PathBuf {
    world.damaged(file, "spliced.json", &message(file, AGE), &message(other, AGE))
}

/// A host with such a file. The key `age.txt` opens an entry, but gets the wrong data key from it.
fn host(host: &Host, file: &str, other: &str) -> Option<Ready> {
    let host = host.ready()?;
    let path = spliced(&host.world, file, other);
    Some(host.with_files([&path]))
}

/// Fails unless the file opens nevertheless, with another entry.
fn opens(keys: &Host, file: &str, other: &str) {
    let Some(host) = host(keys, file, other) else { return };
    let said = host.run();
    assert_eq!(said.code, Some(0), "{said:?}");
    let plain = fs::read(fixture(&format!("{file}.decrypted"))).unwrap();
    assert_eq!(host.published("spliced.json"), Some(plain));
}

#[test]
fn a_data_key_that_is_not_the_files_own_is_passed_over_for_the_next_key() {
    for other in ["hybrid.txt", "plugin.txt"] {
        opens(&Host::new().age("age.txt").age(other), "to-mixed.json", "nesting.json");
    }
    for ssh in ["keys/ssh_ed25519", "keys/ssh_rsa"] {
        opens(&Host::new().age("age.txt").ssh(ssh), "to-mixed.json", "nesting.json");
    }
    opens(&Host::new().age("age.txt").gnupg("pgp.asc"), "to-mixed.json", "nesting.json");
}

#[test]
fn a_share_of_another_entry_of_the_group_takes_the_place_of_a_wrong_one() {
    let keys = Host::new().age("age.txt").age("plugin.txt").age("hybrid.txt");
    opens(&keys, "to-groups-mixed.json", "to-key-groups.json");
}

#[test]
fn with_wrong_data_keys_alone_the_error_says_what_is_wrong() {
    let keys = Host::new().age("age.txt");
    let mut text = String::new();
    for (heading, keys, file, other) in [
        ("the data key of another file", keys.clone(), "nesting.json", "to-mixed.json"),
        ("a share as the data key", keys.clone(), "nesting.json", "to-key-groups.json"),
        (
            "a share of another file",
            keys.clone().age("hybrid.txt"),
            "to-groups-mixed.json",
            "to-key-groups.json",
        ),
        ("a data key as a share", keys, "to-key-groups.json", "nesting.json"),
    ] {
        text += &paragraph(heading, &host(&keys, file, other).unwrap().run_dry());
    }
    expect![[r#"
        # the data key of another file: 1
        error: cannot decrypt $DIR/spliced.json (needed by secret spliced.json): the data key that this host finds is not the data key of this file: neither its MAC nor its values authenticate; restore the file from version control
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: spliced.json

        # a share as the data key: 1
        error: cannot decrypt $DIR/spliced.json (needed by secret spliced.json)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  (damaged: its content does not have the length of a data key)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
          hint: this host has the key age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u, but the entry for this key in the file is damaged: restore the file from version control; or instead, if you have another key that opens the file, run: sops rotate --in-place $DIR/spliced.json
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: spliced.json

        # a share of another file: 1
        error: cannot decrypt $DIR/spliced.json (needed by secret spliced.json): the shares of group 1, group 3 do not make the data key of this file: neither its MAC nor its values authenticate; restore the file from version control
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: spliced.json

        # a data key as a share: 1
        error: cannot decrypt $DIR/spliced.json (needed by secret spliced.json)
          this file needs 2 of 2 key groups; this host opens none
            group 1
              age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  (damaged: its content does not have the length of a data key)
            group 2
              age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
          hint: this host has the key age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u, but the entry for this key in the file is damaged: restore the file from version control; or instead, if you have another key that opens the file, run: sops rotate --in-place $DIR/spliced.json
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: spliced.json

    "#]].assert_eq(&text);
}
