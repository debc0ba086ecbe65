//! Tests which bytes are published for a secret.

use std::fs;

use serde_json::json;

use crate::common::{Manifest, World, has, token};

#[test]
fn line_ends_are_taken_off_where_the_manifest_says_so() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("types.json");
    let whole = |manifest: Manifest, name: &str, fields| manifest.secret_with(name, &file, "", fields);
    let manifest = whole(world.manifest().with("version", 1), "with", json!({}));
    let manifest = whole(manifest, "without", json!({"trim": "newline"}));
    world.install(&manifest.template("t", &format!("{}.", token("without")), json!({})));
    let with = world.read("/run/secrets/with");
    assert!(with.ends_with('\n'));
    assert_eq!(world.read("/run/secrets/without"), with.trim_end_matches('\n'));
    assert_eq!(
        world.read("/run/secrets/rendered/t"),
        format!("{}.", with.trim_end_matches('\n'))
    );
}

#[test]
fn numbers_and_booleans_of_nested_maps_are_written_as_the_file_spells_them() {
    let Some(world) = World::system() else { return };
    let (types, nesting) = (world.fixture("types.json"), world.fixture("nesting.json"));
    let manifest = world
        .manifest()
        .secret("int", &types, "int")
        .secret("negative", &types, "negative")
        .secret("float", &types, "float")
        .secret("true", &types, "bool_true")
        .secret("empty", &types, "empty")
        .secret("nested", &nesting, "database/port")
        .secret("deep", &nesting, "database/users/admin/password")
        .secret("odd", &nesting, "with blank/with: colon");
    world.install(&manifest);
    assert_eq!(
        world.tree("/run/secrets.d/1"),
        "\
0400 0:0 deep \"correct horse battery staple\"
0400 0:0 empty \"\"
0400 0:0 float \"3.14\"
0400 0:0 int \"42\"
0400 0:0 negative \"-17\"
0400 0:0 nested \"5432\"
0400 0:0 odd \"1\"
0400 0:0 true \"true\"
"
    );
}

#[test]
fn what_is_no_single_value_is_an_error_that_names_secret_file_key_and_type() {
    let Some(world) = World::system() else { return };
    let (types, nesting, yaml) = (
        world.fixture("types.json"),
        world.fixture("nesting.json"),
        world.fixture("nesting.yaml"),
    );
    for (file, key, found) in [
        (
            &nesting,
            "database/users",
            "the key \"database/users\" is a map, not a single value; set key to a key inside it, such as \"database/users/admin\", set as = \"json\" or \"yaml\" for all of it, or set key to \"\" for the whole file".to_owned(),
        ),
        (
            &nesting,
            "list",
            "the key \"list\" is a list, not a single value; set key to one of its elements, such as [\"list\"][0], or set as = \"lines\" or \"json\" for all of them".to_owned(),
        ),
        (
            &types,
            "null",
            "the key \"null\" is null, not a single value; to give it a value, run: sops edit $DIR/types.json; for an empty file, set as = \"lines\"".to_owned(),
        ),
        (
            &nesting,
            "database/host/x",
            "the key \"database/host/x\" does not exist: \"database/host\" is a string, not a map; correct the key".to_owned(),
        ),
        (
            &yaml,
            "database/users",
            "the key \"database/users\" is a map, not a single value; set key to a key inside it, such as \"database/users/admin\", set as = \"json\" or \"yaml\" for all of it, or set key to \"\" for the whole file".to_owned(),
        ),
        (
            &nesting,
            "list/k",
            "the key \"list/k\" does not exist: \"list\" is a list, not a map; correct the key".to_owned(),
        ),
    ] {
        let said = world.run_with(&world.manifest().secret("s", file, key), |command| {
            command.env("NIXOS_ACTION", "dry-activate")
        });
        let name = file.file_name().unwrap().to_str().unwrap();
        let first = said.err.lines().next().unwrap();
        assert_eq!(first, format!("error: secret \"s\" from $DIR/{name}: {found}"));
    }
}

#[test]
fn a_key_in_brackets_names_what_sops_extracts() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let plain = "\"a/b\":\n  c: one\nl:\n  - two\n  # comments count\n  - n: three\n\"[0]\": four\na:\n  b: five\n\"x]y\": six\n";
    let file = world.write("brackets.yaml", plain);
    let recipient = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
    world.shell(&format!("sops encrypt --age {recipient} --in-place '{}'", file.display()));
    for (key, plain_key) in [
        ("[\"a/b\"][\"c\"]", None),
        ("['a/b'][\"c\"]", None),
        ("[\"l\"][0]", None),
        ("[\"l\"][2][\"n\"]", None),
        ("[\"a\"][\"b\"]", Some("a/b")),
        ("[\"x]y\"]", Some("x]y")),
    ] {
        let manifest = world.manifest();
        let key_file = world.fixture("keys/age.txt");
        let extracted = world.shell(&format!(
            "SOPS_AGE_KEY_FILE='{}' sops decrypt --extract {} '{}'",
            key_file.display(),
            quoted(key),
            file.display()
        ));
        for key in [Some(key), plain_key].into_iter().flatten() {
            world.install(&manifest.clone().without("logging").secret("s", &file, key));
            assert_eq!(world.read("/run/secrets/s"), extracted, "{key}");
        }
    }
}

#[test]
fn a_name_that_is_spelled_like_a_key_in_brackets_still_means_itself() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let plain = r#"{"[\"a\"][\"b\"]": "one", "[\"a\"": "two", "[a": {"b]": "three"}}"#;
    let file = world.write("names.json", plain);
    let recipient = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
    world.shell(&format!("sops encrypt --age {recipient} --in-place '{}'", file.display()));
    for (key, value) in [(r#"["a"]["b"]"#, "one"), (r#"["a""#, "two"), ("[a/b]", "three")] {
        let manifest = world
            .manifest()
            .without("logging")
            .secret_with("s", &file, key, json!({"format": "json"}));
        world.install(&manifest);
        assert_eq!(world.read("/run/secrets/s"), value, "{key}");
        let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
        assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{key}");
    }
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[test]
fn an_ssh_host_key_also_opens_what_is_encrypted_to_it_as_itself() {
    for (key, file) in [
        ("keys/ssh_ed25519", "to-native-ed25519.json"),
        ("keys/ssh_ed25519", "to-native-ed25519.bin"),
        ("keys/ssh_ed25519", "to-converted-ssh.yaml"),
        ("keys/ssh_rsa", "to-native-rsa.yaml"),
    ] {
        let Some(world) = World::system() else { return };
        let key = world.fixture(key);
        let manifest = world
            .manifest()
            .without("ageKeyFile")
            .with("ageSshKeyPaths", json!([key]))
            .secret("a", &world.fixture(file), "");
        world.install(&manifest);
        let installed = fs::read(world.path("/run/secrets.d/1/a")).unwrap();
        let expected = fs::read(crate::common::fixtures().join("3.13.2").join(format!("{file}.decrypted"))).unwrap();
        assert_eq!(installed, expected, "{file}");
    }
}

/// sops up to 3.13.3 refuses such a file, although it wrote the file itself. It takes the comment for a value, and so for the end
/// of the part that is encrypted.
#[test]
fn a_comment_in_a_list_that_a_rule_encrypts_does_not_end_the_encrypted_part() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("3.13.3/encrypted-comments-in-lists.yaml");
    world.install(&world.manifest().secret("a", &file, ""));
    let expected = crate::common::fixtures().join("3.13.3/comments-in-lists.yaml.decrypted");
    assert_eq!(world.read("/run/secrets/a"), fs::read_to_string(expected).unwrap());
}

/// The type of a token is not authenticated. sops 3.13.2 includes the comments of lists in the MAC, so it does not notice the
/// change.
#[test]
fn a_value_of_a_list_cannot_be_made_a_comment_without_the_key() {
    let Some(world) = World::system() else { return };
    let fixture = fs::read_to_string(world.fixture("3.13.3/documents.yaml")).unwrap();
    let is_element = |line: &&mut String| line.trim_start().starts_with("- ENC[");
    let mut lines: Vec<_> = fixture.lines().map(str::to_owned).collect();
    let mut elements: Vec<_> = lines.iter_mut().filter(is_element).collect();
    assert!(
        elements.iter().all(|line| line.ends_with("type:str]")),
        "a comment would be counted too"
    );
    *elements[0] = elements[0].replace("type:str]", "type:comment]");
    let file = world.write("made.yaml", lines.join("\n") + "\n");
    let said = world.run(&world.manifest().secret("a", &file, ""));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("the MAC does not match: the file was changed after sops wrote it"),
        "{said:?}"
    );
}

#[test]
fn of_a_metadata_field_that_is_twice_in_json_the_last_counts_as_in_sops() {
    let Some(world) = World::system() else { return };
    let (mac, other) = ("\t\t\"mac\": \"ENC[", "\t\t\"mac\": \"another\",\n");
    let file = world.damaged("types.json", "twice.json", mac, &format!("{other}{mac}"));
    world.install(&world.manifest().secret("a", &file, "int"));
    assert_eq!(world.read("/run/secrets/a"), "42");
}

/// Opening an RSA recipient takes far longer than everything else in a run. So the time of a run shows how often it was opened.
#[test]
fn each_file_is_decrypted_once_however_many_secrets_come_from_it() {
    let Some(world) = World::system() else { return };
    let (key, file) = (world.fixture("keys/ssh_rsa"), world.fixture("to-native-rsa.yaml"));
    let time = |secrets: usize| {
        let manifest = world.manifest().without("ageKeyFile").with("sshKeyPaths", json!([key]));
        let manifest = (0..secrets).fold(manifest, |manifest, number| {
            manifest.secret(&format!("s{number}"), &file, "database/host")
        });
        let start = std::time::Instant::now();
        world.install(&manifest);
        start.elapsed()
    };
    let one = (0..3).map(|_| time(1)).min().unwrap();
    let forty = (0..3).map(|_| time(40)).min().unwrap();
    assert!(forty < one * 8, "1 secret takes {one:?}, 40 take {forty:?}");
}
