//! Sops files that cannot be used, and values that are not there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use expect_test::expect;
use serde_json::json;

use crate::common::{World, token};
use crate::{dry, paragraph};

/// What a dry run says about one secret of a file.
fn says(world: &World, what: &str, file: &std::path::Path, format: &str, key: &str) -> String {
    // A good one beside it, so that not all of it fails.
    let good = world.fixture("lines.bin");
    let manifest = world
        .manifest()
        .secret_with("s", file, key, json!({"format": format}))
        .secret("good", &good, "");
    let said = dry(world, &manifest);
    assert_eq!(said.code, Some(3), "{what}: {said:?}");
    paragraph(what, &said)
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_cause() {
    let world = World::user();
    world.shell(&format!(
        "mkfifo {0}/fifo; ln -s {0}/loop {0}/loop; ln -s {0}/gone {0}/dangling",
        world.input("run").display()
    ));
    let closed = world.fixture("text.bin");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let text: String = [
        ("missing", world.input("absent.yaml")),
        ("a directory", world.input("home")),
        ("a fifo", world.input("run/fifo")),
        ("a device", PathBuf::from("/dev/zero")),
        ("below a file", closed.join("x")),
        ("a dangling link", world.input("run/dangling")),
        ("a link to itself", world.input("run/loop")),
        ("unreadable", closed),
    ]
    .into_iter()
    .map(|(what, file)| says(&world, what, &file, "yaml", "x"))
    .collect();
    expect![[r#"
        # missing: 3
        error: cannot read $DIR/absent.yaml (needed by secret s): no such file; restore it, or correct sopsFile

        # a directory: 3
        error: cannot read $DIR/home (needed by secret s): a directory, not a regular file

        # a fifo: 3
        error: cannot read $DIR/run/fifo (needed by secret s): a fifo, not a regular file

        # a device: 3
        error: cannot read /dev/zero (needed by secret s): a device, not a regular file

        # below a file: 3
        error: cannot read $DIR/text.bin/x (needed by secret s): not a directory

        # a dangling link: 3
        error: cannot read $DIR/run/dangling (needed by secret s): no such file; restore it, or correct sopsFile

        # a link to itself: 3
        error: cannot read $DIR/run/loop (needed by secret s): too many levels of symbolic links

        # unreadable: 3
        error: cannot read $DIR/text.bin (needed by secret s): permission denied

    "#]]
    .assert_eq(&text);
}

#[test]
fn a_file_of_another_format_is_told_so() {
    let world = World::user();
    let mut text = String::new();
    for name in ["nesting.yaml", "nesting.json", "plain.env", "sections.ini", "text.bin"] {
        for format in ["yaml", "json", "dotenv", "ini", "binary"] {
            let own = format
                == name
                    .rsplit_once('.')
                    .map(|(_, suffix)| match suffix {
                        "env" => "dotenv",
                        "bin" => "binary",
                        other => other,
                    })
                    .unwrap();
            // JSON is YAML, and what sops makes of a binary file is JSON.
            let is_both =
                name.ends_with("json") && format == "yaml" || name.ends_with("bin") && ["json", "yaml"].contains(&format);
            if !own && !is_both {
                text += &says(&world, &format!("{name} as {format}"), &world.fixture(name), format, "");
            }
        }
    }
    expect![[r##"
        # nesting.yaml as json: 3
        error: cannot use $DIR/nesting.yaml (needed by secret s) as a sops file: it is yaml, not json; set format = "yaml" for the secrets of this file

        # nesting.yaml as dotenv: 3
        error: cannot use $DIR/nesting.yaml (needed by secret s) as a sops file: it is yaml, not dotenv; set format = "yaml" for the secrets of this file

        # nesting.yaml as ini: 3
        error: cannot use $DIR/nesting.yaml (needed by secret s) as a sops file: it is yaml, not ini; set format = "yaml" for the secrets of this file

        # nesting.yaml as binary: 3
        error: cannot use $DIR/nesting.yaml (needed by secret s) as a sops file: it is yaml, not binary; set format = "yaml" for the secrets of this file

        # nesting.json as dotenv: 3
        error: cannot use $DIR/nesting.json (needed by secret s) as a sops file: it is json, not dotenv; set format = "json" for the secrets of this file

        # nesting.json as ini: 3
        error: cannot use $DIR/nesting.json (needed by secret s) as a sops file: it is json, not ini; set format = "json" for the secrets of this file

        # nesting.json as binary: 3
        error: secret s from $DIR/nesting.json: it has no data, as every binary file has; set format = "json"

        # plain.env as yaml: 3
        error: cannot use $DIR/plain.env (needed by secret s) as a sops file: it is dotenv, not yaml; set format = "dotenv" for the secrets of this file

        # plain.env as json: 3
        error: cannot use $DIR/plain.env (needed by secret s) as a sops file: it is dotenv, not json; set format = "dotenv" for the secrets of this file

        # plain.env as ini: 3
        error: cannot use $DIR/plain.env (needed by secret s) as a sops file: it is dotenv, not ini; set format = "dotenv" for the secrets of this file

        # plain.env as binary: 3
        error: cannot use $DIR/plain.env (needed by secret s) as a sops file: it is dotenv, not binary; set format = "dotenv" for the secrets of this file

        # sections.ini as yaml: 3
        error: cannot use $DIR/sections.ini (needed by secret s) as a sops file: it is ini, not yaml; set format = "ini" for the secrets of this file

        # sections.ini as json: 3
        error: cannot use $DIR/sections.ini (needed by secret s) as a sops file: it is ini, not json; set format = "ini" for the secrets of this file

        # sections.ini as dotenv: 3
        error: cannot use $DIR/sections.ini (needed by secret s) as a sops file: it is ini, not dotenv; set format = "ini" for the secrets of this file

        # sections.ini as binary: 3
        error: cannot use $DIR/sections.ini (needed by secret s) as a sops file: it is ini, not binary; set format = "ini" for the secrets of this file

        # text.bin as dotenv: 3
        error: cannot use $DIR/text.bin (needed by secret s) as a sops file: it is binary, not dotenv; set format = "binary" for the secrets of this file

        # text.bin as ini: 3
        error: cannot use $DIR/text.bin (needed by secret s) as a sops file: it is binary, not ini; set format = "binary" for the secrets of this file

    "##]].assert_eq(&text);
}

/// A copy that was interrupted is no change that somebody made and could accept. In dotenv
/// and INI the lines have no order: nothing tells that whole lines are missing, and a message to a recipient may be what ends too early.
#[test]
fn a_file_that_ends_within_its_metadata_is_called_that() {
    let world = World::user();
    for (name, format, begin) in [
        ("nesting.yaml", "yaml", "\nsops:"),
        ("plain.env", "dotenv", "\nsops_"),
        ("sections.ini", "ini", "\n[sops]"),
    ] {
        let content = fs::read_to_string(world.fixture(name)).unwrap();
        let metadata = content.find(begin).unwrap() + begin.len();
        let needed = |end: &usize| {
            let line = content[..*end].rsplit('\n').next().unwrap();
            !line.is_empty() && (format == "yaml" || ["lastmodified", "mac", "age"].iter().any(|key| line.contains(key)))
        };
        // Behind the MAC there is nothing that YAML needs.
        let last = content.rfind("type:str]").unwrap();
        for end in (metadata..last).step_by(23).filter(needed) {
            let cut = world.write("cut", &content.as_bytes()[..end]);
            let said = says(&world, name, &cut, format, "");
            let is_message = format != "yaml" && said.contains("this file can be opened by");
            assert!(
                said.contains("its end is missing") || is_message,
                "{name} up to {end}: {said}"
            );
            assert!(!said.contains("--ignore-mac"), "{name} up to {end}: {said}");
        }
    }
}

/// The metadata are wrong and an editor has taken the last line end away: nothing else is missing.
#[test]
fn a_file_without_its_last_line_end_is_not_called_cut_off() {
    let world = World::user();
    let whole = fs::read_to_string(world.fixture("nesting.yaml")).unwrap();
    let changed = whole.trim_end().replacen("lastmodified: \"", "lastmodified: \"x", 1);
    assert_ne!(changed, whole.trim_end());
    let said = says(&world, "no line end", &world.write("no-line-end.yaml", changed), "yaml", "");
    assert!(
        said.contains("lastmodified in the sops metadata is not an RFC 3339 time; restore"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_cut_off_or_was_never_encrypted_is_told_so() {
    let world = World::user();
    let mut text = String::new();
    for (name, format) in [
        ("nesting.yaml", "yaml"),
        ("nesting.json", "json"),
        ("plain.env", "dotenv"),
        ("sections.ini", "ini"),
        ("text.bin", "binary"),
    ] {
        let content = fs::read(world.fixture(name)).unwrap();
        let cut = world.write(&format!("cut-{name}"), &content[..content.len() / 2]);
        text += &says(&world, &format!("{name}, cut off"), &cut, format, "");
        let plain = fs::read(crate::common::fixtures().join("plain").join(name)).unwrap();
        text += &says(
            &world,
            &format!("{name}, not encrypted"),
            &world.write(&format!("plain-{name}"), plain),
            format,
            "",
        );
        text += &says(
            &world,
            &format!("{name}, empty"),
            &world.write(&format!("empty-{name}"), ""),
            format,
            "",
        );
    }
    let binary = world.write("binary.yaml", [0x73, 0xff, 0xfe, 0x00]);
    text += &says(&world, "bytes", &binary, "yaml", "");
    let doubled = world.write(
        "doubled.yaml",
        [fs::read(world.fixture("nesting.yaml")).unwrap(), b"sops: {}\n".to_vec()].concat(),
    );
    text += &says(&world, "two sops sections", &doubled, "yaml", "");
    let number = world.damaged("nesting.yaml", "number.yaml", "a:\n", "5: x\na:\n");
    text += &says(&world, "a key that is a number", &number, "yaml", "a/b/c/d");
    expect![[r##"
        # nesting.yaml, cut off: 3
        error: cannot use $DIR/cut-nesting.yaml (needed by secret s) as a sops file: it has no sops metadata, so its end is missing; restore the file from version control

        # nesting.yaml, not encrypted: 3
        error: cannot use $DIR/plain-nesting.yaml (needed by secret s) as a sops file: it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place $DIR/plain-nesting.yaml

        # nesting.yaml, empty: 3
        error: cannot use $DIR/empty-nesting.yaml (needed by secret s) as a sops file: it is empty; restore the file from version control, or remove it to write it anew, in the directory of .sops.yaml run: sops edit $DIR/empty-nesting.yaml

        # nesting.json, cut off: 3
        error: cannot use $DIR/cut-nesting.json (needed by secret s) as a sops file: it is not valid json, and its end is missing; restore the file from version control

        # nesting.json, not encrypted: 3
        error: cannot use $DIR/plain-nesting.json (needed by secret s) as a sops file: it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place $DIR/plain-nesting.json

        # nesting.json, empty: 3
        error: cannot use $DIR/empty-nesting.json (needed by secret s) as a sops file: it is empty; restore the file from version control, or remove it to write it anew, in the directory of .sops.yaml run: sops edit $DIR/empty-nesting.json

        # plain.env, cut off: 3
        error: cannot use $DIR/cut-plain.env (needed by secret s) as a sops file: it has no sops metadata, so its end is missing; restore the file from version control

        # plain.env, not encrypted: 3
        error: cannot use $DIR/plain-plain.env (needed by secret s) as a sops file: it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place $DIR/plain-plain.env

        # plain.env, empty: 3
        error: cannot use $DIR/empty-plain.env (needed by secret s) as a sops file: it is empty; restore the file from version control, or remove it to write it anew, in the directory of .sops.yaml run: sops edit $DIR/empty-plain.env

        # sections.ini, cut off: 3
        error: cannot use $DIR/cut-sections.ini (needed by secret s) as a sops file: it has no sops metadata, so its end is missing; restore the file from version control

        # sections.ini, not encrypted: 3
        error: cannot use $DIR/plain-sections.ini (needed by secret s) as a sops file: it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place $DIR/plain-sections.ini

        # sections.ini, empty: 3
        error: cannot use $DIR/empty-sections.ini (needed by secret s) as a sops file: it is empty; restore the file from version control, or remove it to write it anew, in the directory of .sops.yaml run: sops edit $DIR/empty-sections.ini

        # text.bin, cut off: 3
        error: cannot use $DIR/cut-text.bin (needed by secret s) as a sops file: it is not valid binary, and its end is missing; restore the file from version control

        # text.bin, not encrypted: 3
        error: cannot use $DIR/plain-text.bin (needed by secret s) as a sops file: it was never encrypted; in the directory of .sops.yaml run: sops encrypt --in-place $DIR/plain-text.bin

        # text.bin, empty: 3
        error: cannot use $DIR/empty-text.bin (needed by secret s) as a sops file: it is empty; restore the file from version control, or remove it to write it anew, in the directory of .sops.yaml run: sops edit $DIR/empty-text.bin

        # bytes: 3
        error: cannot use $DIR/binary.yaml (needed by secret s) as a sops file: it is not valid yaml: line 1: the text is not UTF-8, and was never encrypted; correct that, then in the directory of .sops.yaml run: sops encrypt --in-place $DIR/binary.yaml

        # two sops sections: 3
        error: cannot use $DIR/doubled.yaml (needed by secret s) as a sops file: it is not valid yaml: line 62: the key "sops" is already defined at line 47: two files seem to be joined; restore the file from version control, or move one of them to a file of its own

        # a key that is a number: 3
        error: cannot decrypt $DIR/number.yaml (needed by secret s): the document has a key that is an integer, and only strings can be keys; take it out of the file by hand, and to add it again, run: sops edit --ignore-mac $DIR/number.yaml

    "##]].assert_eq(&text);
}

/// A JSON fixture with something done to it.
fn changed(world: &World, name: &str, change: impl FnOnce(&mut serde_json::Value)) -> PathBuf {
    let text = fs::read_to_string(world.fixture("nesting.json")).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    change(&mut value);
    world.write(name, serde_json::to_string_pretty(&value).unwrap())
}

#[test]
fn a_file_that_somebody_changed_is_refused_with_the_place() {
    let world = World::user();
    let key = "database/host";
    let mut text = String::new();
    let mut case = |what: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let file = changed(&world, "changed.json", change);
        text += &says(&world, what, &file, "json", key);
    };
    case("no MAC", &|file| drop(file["sops"].as_object_mut().unwrap().remove("mac")));
    case("an empty MAC", &|file| file["sops"]["mac"] = json!(""));
    case("a MAC that is no MAC", &|file| file["sops"]["mac"] = json!("x"));
    case("another time, so the MAC does not authenticate", &|file| {
        file["sops"]["lastmodified"] = json!("2020-01-01T00:00:00Z");
    });
    case("a time that is none", &|file| {
        file["sops"]["lastmodified"] = json!("yesterday");
    });
    case("no time", &|file| {
        drop(file["sops"].as_object_mut().unwrap().remove("lastmodified"));
    });
    case("a value less, so the MAC does not match", &|file| {
        drop(file["database"].as_object_mut().unwrap().remove("port"));
    });
    case("a value moved", &|file| {
        let password = file["database"]["users"]["admin"]["password"].clone();
        file["database"]["host"] = password;
    });
    case("a value swapped with its type", &|file| {
        file["database"]["host"] = file["database"]["port"].clone();
    });
    case("a value in plain text", &|file| file["database"]["host"] = json!("localhost"));
    case("a number in plain text", &|file| file["database"]["port"] = json!(5432));
    case("a value of an unknown type", &|file| {
        let token = file["database"]["host"].as_str().unwrap().replace("type:str", "type:blob");
        file["database"]["host"] = json!(token);
    });
    case("a value that is no Base64", &|file| {
        let token = file["database"]["host"].as_str().unwrap().replace("iv:", "iv:!");
        file["database"]["host"] = json!(token);
    });
    case("a short tag", &|file| {
        let token = file["database"]["host"].as_str().unwrap();
        let (start, _) = token.split_once("tag:").unwrap();
        file["database"]["host"] = json!(format!("{start}tag:AAAA,type:str]"));
    });
    case("an added rule", &|file| file["sops"]["encrypted_regex"] = json!("^database$"));
    case("a rule that is no pattern", &|file| {
        let sops = file["sops"].as_object_mut().unwrap();
        sops.remove("unencrypted_suffix");
        sops.insert("encrypted_regex".to_owned(), json!("("));
    });
    case("nobody's file", &|file| file["sops"]["age"] = json!([]));
    case("sops is a text", &|file| file["sops"] = json!("x"));
    case("recipients are a text", &|file| file["sops"]["age"] = json!("x"));
    case("a damaged message to the recipient", &|file| {
        let message = file["sops"]["age"][0]["enc"].as_str().unwrap().replacen("YWdl", "YWdm", 1);
        file["sops"]["age"][0]["enc"] = json!(message);
    });
    case("a message to the recipient that is cut off", &|file| {
        let message = &file["sops"]["age"][0]["enc"].as_str().unwrap()[..150];
        file["sops"]["age"][0]["enc"] = json!(message);
    });
    case("an empty message to the recipient", &|file| {
        file["sops"]["age"][0]["enc"] = json!("");
    });
    expect![[r#"
        # no MAC: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the file has no MAC, so a change to it could not be noticed; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # an empty MAC: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the file has no MAC, so a change to it could not be noticed; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # a MAC that is no MAC: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the MAC does not authenticate: the metadata was changed after sops wrote it; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # another time, so the MAC does not authenticate: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the MAC does not authenticate: the metadata was changed after sops wrote it; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # a time that is none: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: lastmodified in the sops metadata is not an RFC 3339 time; restore the file from version control

        # no time: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: the sops metadata has no lastmodified; restore the file from version control

        # a value less, so the MAC does not match: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the MAC does not match: the file was changed after sops wrote it; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # a value moved: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: the value does not authenticate: it was changed or moved after sops encrypted it; restore the file from version control

        # a value swapped with its type: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: the value does not authenticate: it was changed or moved after sops encrypted it; restore the file from version control

        # a value in plain text: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: it is a string that should be encrypted; take it out of the file by hand, and to add it again, run: sops edit --ignore-mac $DIR/changed.json

        # a number in plain text: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/port: it is an integer that should be encrypted; take it out of the file by hand, and to add it again, run: sops edit --ignore-mac $DIR/changed.json

        # a value of an unknown type: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: the encrypted value has the unknown type blob; restore the file from version control

        # a value that is no Base64: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: the iv of the encrypted value is not Base64; restore the file from version control

        # a short tag: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the key database/host: the value does not authenticate: it was changed or moved after sops encrypted it; restore the file from version control

        # an added rule: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: the file has more than one of the rules that select what is encrypted: unencrypted_suffix, encrypted_regex; restore the file from version control

        # a rule that is no pattern: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s): the MAC does not match: the file was changed after sops wrote it; restore the file from version control, or check the change and accept it, run: sops --ignore-mac --rotate --in-place $DIR/changed.json

        # nobody's file: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: the sops metadata names no key; restore the file from version control

        # sops is a text: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: the sops section is a string, not a map; restore the file from version control

        # recipients are a text: 3
        error: cannot use $DIR/changed.json (needed by secret s) as a sops file: the sops metadata names no key; restore the file from version control

        # a damaged message to the recipient: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s)
          this file can be opened by
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  (damaged: not a readable age message)
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: the part of this file for age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u, a key of this host, is damaged: restore the file, or where another key opens it, run: sops rotate --in-place $DIR/changed.json

        # a message to the recipient that is cut off: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s)
          this file can be opened by
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  (damaged: not an armored age message)
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: the part of this file for age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u, a key of this host, is damaged: restore the file, or where another key opens it, run: sops rotate --in-place $DIR/changed.json

        # an empty message to the recipient: 3
        error: cannot decrypt $DIR/changed.json (needed by secret s)
          this file can be opened by
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  (damaged: not an armored age message)
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: the part of this file for age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u, a key of this host, is damaged: restore the file, or where another key opens it, run: sops rotate --in-place $DIR/changed.json

    "#]].assert_eq(&text);
}

#[test]
fn a_key_that_leads_to_no_single_value_is_told_in_full_with_what_was_found() {
    let world = World::user();
    let mut text = String::new();
    for (name, format, key) in [
        ("nesting.json", "json", "database/hots"),
        ("nesting.json", "json", "databse/host"),
        ("nesting.json", "json", "nothing/like/it"),
        ("nesting.json", "json", "database"),
        ("nesting.json", "json", "database/host/name"),
        ("nesting.json", "json", "list"),
        ("nesting.json", "json", "list/0"),
        ("nesting.json", "json", "list/9"),
        ("nesting.json", "json", "[\"list\"][9]"),
        ("nesting.json", "json", "[\"database\"][\"host\""),
        ("nesting.json", "json", "[database/host]"),
        ("nesting.json", "json", "/database/host"),
        ("nesting.json", "json", "database/"),
        ("types.json", "json", "null"),
        ("nesting.yaml", "yaml", "database/hots"),
        ("nesting.yaml", "yaml", "database/users"),
        ("types.yaml", "yaml", "null_word"),
    ] {
        text += &says(&world, &format!("{key} of {name}"), &world.fixture(name), format, key);
    }
    expect![[r##"
        # database/hots of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key database/hots does not exist; did you mean database/host

        # databse/host of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key databse does not exist; did you mean database

        # nothing/like/it of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key nothing does not exist; correct the key, or to add it, run: sops edit $DIR/nesting.json

        # database of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key database is a map; only a string, a number, a boolean or a time can be a secret; name one of its keys, such as database/host, or use key "" for the whole file

        # database/host/name of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key database/host is a string, not a map, so there is no database/host/name in it

        # list of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key list is a list; only a string, a number, a boolean or a time can be a secret; name one of its elements, such as ["list"][0]

        # list/0 of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key list is a list, not a map, so there is no list/0 in it; did you mean ["list"][0]

        # list/9 of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key list is a list, not a map, so there is no list/9 in it

        # ["list"][9] of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key ["list"][9] does not exist; list has 3 elements, and the first is [0]

        # ["database"]["host" of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key ["database"]["host" is malformed from character 13 on; write each name as ["name"] and each position as [0], with nothing between them

        # [database/host] of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key [database/host] is malformed from character 1 on; write each name as ["name"] and each position as [0], with nothing between them

        # /database/host of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key "" is a string, not a map, so there is no /database/host in it; did you mean database/host

        # database/ of nesting.json: 3
        error: secret s from $DIR/nesting.json: the key database/ does not exist; correct the key, or to add it, run: sops edit $DIR/nesting.json

        # null of types.json: 3
        error: secret s from $DIR/types.json: the key null is null; only a string, a number, a boolean or a time can be a secret; to give it a value, run: sops edit $DIR/types.json

        # database/hots of nesting.yaml: 3
        error: secret s from $DIR/nesting.yaml: the key database/hots does not exist; did you mean database/host

        # database/users of nesting.yaml: 3
        error: secret s from $DIR/nesting.yaml: the key database/users is a map; only a string, a number, a boolean or a time can be a secret; name one of its keys, such as database/users/admin, or use key "" for the whole file

        # null_word of types.yaml: 3
        error: secret s from $DIR/types.yaml: the key null_word is null; only a string, a number, a boolean or a time can be a secret; to give it a value, run: sops edit $DIR/types.yaml

    "##]].assert_eq(&text);
}

#[test]
fn a_template_that_cannot_be_rendered_is_named_with_the_cause() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let binary = world.write(
        "binary.conf",
        [0xff, b'\n', b'<', b'S', b'O', b'P', b'S', b':', 0xff, b':', b'P'],
    );
    let manifest = world
        .manifest()
        .secret("good", &file, "database/host")
        .secret("bad", &file, "database/nothing-like-it")
        .template("left-over", &format!("a\n\n{}{}", token("good"), token("other")), json!({}))
        .template("needs-bad", &token("bad"), json!({}))
        .template("no-file", "", json!({"file": world.input("absent.conf")}))
        .template("directory", "", json!({"file": world.input("")}))
        .template("no-file-but-content", "x", json!({"file": world.input("absent.conf")}))
        .template("binary", "", json!({"file": binary}))
        .template("unowned", "x", json!({"owner": "carol"}))
        .template("ungrouped", "x", json!({"group": "wheel"}))
        .secret_with("unowned", &file, "database/host", json!({"owner": "carol", "group": "wheel"}));
    let mut early = manifest.clone();
    early.value()["placeholderBySecretName"]["early"] = json!(token("other"));
    let text = paragraph("templates", &dry(&world, &manifest)) + &paragraph("a secret of another manifest", &dry(&world, &early));
    expect![[r#"
        # templates: 3
        warning: template no-file-but-content: cannot read its file $DIR/absent.conf: no such file; its content is used instead
        error: secret bad from $DIR/nesting.json: the key database/nothing-like-it does not exist; correct the key, or to add it, run: sops edit $DIR/nesting.json
        error: template left-over: line 3 contains <SOPS:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa:PLACEHOLDER>, which stands for no secret of this manifest; rebuild with the secret declared
        error: template needs-bad: it needs secret bad, which failed
        error: template no-file: cannot read its file $DIR/absent.conf: no such file
        error: template directory: cannot read its file $DIR/: a directory, not a regular file

        # a secret of another manifest: 3
        warning: template no-file-but-content: cannot read its file $DIR/absent.conf: no such file; its content is used instead
        error: secret bad from $DIR/nesting.json: the key database/nothing-like-it does not exist; correct the key, or to add it, run: sops edit $DIR/nesting.json
        error: template left-over: it needs secret early, which this manifest does not install; declare it, and without neededForUsers
        error: template needs-bad: it needs secret bad, which failed
        error: template no-file: cannot read its file $DIR/absent.conf: no such file
        error: template directory: cannot read its file $DIR/: a directory, not a regular file

    "#]].assert_eq(&text);
}
