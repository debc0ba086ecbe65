//! The remedies for keys of a manifest that have no value in the file.

use serde_json::json;

use crate::scene::{Scene, change};
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    mended("did you mean {}?", the_key_that_was_meant_is_there),
    mended("set key to a key inside it, such as {}, ", a_key_of_a_map_is_named),
    mended("correct the key", a_key_is_corrected),
    mended(
        "{inner}set as = \\\"json\\\" or \\\"yaml\\\" for all of it, or set key to \\\"\\\" for the whole file",
        a_key_of_a_map_is_named,
    ),
    mended(
        "write each name as [\\\"name\\\"] and each position as [0]",
        a_key_in_brackets_is_mended,
    ),
    mended("correct the position", a_position_in_a_list_is_mended),
    mended(
        "set key to one of its elements, such as {}, or ",
        an_element_of_a_list_is_named,
    ),
    mended(
        "{}set as = \\\"lines\\\" or \\\"json\\\" for all of them",
        an_element_of_a_list_is_named,
    ),
    mended(
        "set as = \\\"json\\\" or \\\"yaml\\\", or set key to a list",
        what_is_no_list_gets_another_form_or_key,
    ),
    mended(
        "set as = \\\"lines\\\", \\\"json\\\" or \\\"yaml\\\", or set key to a map",
        what_is_no_map_gets_another_form_or_key,
    ),
    mended(
        "set as = \\\"json\\\" or \\\"yaml\\\"",
        what_is_no_single_value_gets_another_form,
    ),
    mended("set key to the position of one, such as [0]", a_document_is_named),
    mended("set as = \\\"yaml\\\"", bytes_are_written_as_yaml),
    named(
        "use single keys of the file",
        "tests/bombs makes files that are so long",
        &["sops.secrets.<name>.key"],
    ),
    named(
        "change the value, choose another \\\"as\\\"",
        READ_BACK,
        &["sops.secrets.<name>.as"],
    ),
    named("use a name such as DB_PASSWORD", READ_BACK, &["sops.secrets.<name>.as"]),
    named("keep one of them", READ_BACK, &["sops.templates.<name>.as"]),
    named("use another name", READ_BACK, &["sops.templates.<name>.as"]),
    named("remove the quotes", READ_BACK, &["sops.templates.<name>.as"]),
    named(
        "set \\\"as\\\" to \\\"systemd-env\\\", and write",
        READ_BACK,
        &["sops.secrets.<name>.as", "sops.templates.<name>.as"],
    ),
    named("write NAME=value", READ_BACK, &["sops.templates.<name>.as"]),
    mended("to keep one of them, {}", one_of_two_values_is_left),
    mended("to rename one of them, {}", one_of_two_meanings_is_left),
    mended(
        "to give it a value, {}; for an empty file, set as = \\\"lines\\\"",
        a_value_is_given,
    ),
    mended(
        "sops may have changed its spelling: to write it anew in quotes, {}",
        a_value_that_is_hashed_is_put_in_quotes,
    ),
    mended("to correct it, {}", a_value_that_is_transformed_is_corrected),
    mended("correct the key; to add it to the file, {}", a_key_is_added),
];

const READ_BACK: &str = "tests/contract/env_files.rs has files with other values and names, which are written";

const PLAIN: &str = r#"{"password": "one", "a/b": {"c/d": "two"}, "m": {"a/b": "three", "c": null}, "l": ["four", {"n": "five"}], "m2": "six", "n": {"o": "seven"}, "l2": ["x", 2], "m3": {"l": []}, "t": "two\nlines"}"#;

/// A host with a secret whose key is `key`.
fn with_key(key: &str) -> Option<Scene> {
    let mut scene = Scene::new()?;
    let path = scene.encrypted("f.json", PLAIN);
    scene.declare(&path, key, json!({}));
    Some(scene)
}

fn the_key_that_was_meant_is_there() {
    for (typed, value) in [
        ("pasword", "one"),
        ("a/b/c/d", "two"),
        ("m/a/b", "three"),
        ("[\"a/b\"][\"c/x\"]", "two"),
        ("m2x", "six"),
        ("l/0", "four"),
        ("l/1/n", "five"),
        ("/password", "one"),
        ("n/o/", "seven"),
        ("n.o", "seven"),
    ] {
        let Some(mut scene) = with_key(typed) else { return };
        // Each repair may correct only one more name of the key.
        for _ in 0..2 {
            let said = scene.run();
            let Some((_, meant)) = said.err.split_once("; did you mean ") else {
                break;
            };
            let meant = unquoted(meant.lines().next().unwrap().trim_end_matches('?')).to_owned();
            assert_ne!(meant, typed);
            scene.redeclare("key", meant);
        }
        scene.is_mended();
        assert_eq!(scene.secret(), value, "{typed}");
    }
}

/// The key in a message, without the quotes around it.
fn unquoted(key: &str) -> &str {
    key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key)
}

fn a_key_of_a_map_is_named() {
    for (typed, named, value) in [("a/b/c/d", r#"["a/b"]["c/d"]"#, "two"), ("m", r#"["m"]["a/b"]"#, "three")] {
        let Some(mut scene) = with_key(if typed == "m" { "m" } else { "[\"a/b\"]" }) else {
            return;
        };
        let line = scene.says("; set key to a key inside it, such as ");
        let (_, rest) = line.split_once("such as ").unwrap();
        let (key, _) = rest
            .split_once(", set as = \"json\" or \"yaml\" for all of it, or set key to \"\" for the whole file")
            .unwrap();
        assert_eq!(key, named);
        scene.redeclare("as", "json");
        scene.is_mended();
        scene.redeclare("as", json!(null));
        scene.redeclare("key", key);
        scene.is_mended();
        assert_eq!(scene.secret(), value);
        scene.redeclare("key", "");
        scene.is_mended();
    }
}

fn a_key_in_brackets_is_mended() {
    for (typed, position) in [
        (r#"["a/b"]["c/d""#, 8),
        (r#"["a/b"]/c/d"#, 8),
        (r#"["a/b""#, 1),
        ("[a/b]", 1),
        (r#"["a/b"] ["c/d"]"#, 8),
        (r#"["a/b"]x"#, 8),
        (r#"['a/b"]["c/d"]"#, 1),
        ("[", 1),
    ] {
        let Some(mut scene) = with_key(typed) else { return };
        let words = format!("the key {typed} is written wrongly, from character {position} on; write each name as [\"name\"]");
        scene.says(&words);
        let checked = scene
            .world
            .run_with(&scene.manifest, |command| command.arg("-check-mode=sopsfile"));
        assert!(checked.err.contains(&words), "{checked:?}");
        scene.redeclare("key", r#"["a/b"]["c/d"]"#);
        scene.is_mended();
        assert_eq!(scene.secret(), "two");
    }
}

fn a_key_is_corrected() {
    let Some(mut scene) = with_key("password/x") else { return };
    scene.says(r#"the key "password/x" does not exist: "password" is a string, not a map; correct the key"#);
    scene.redeclare("key", "password");
    scene.is_mended();
    assert_eq!(scene.secret(), "one");
}

fn a_position_in_a_list_is_mended() {
    let Some(mut scene) = with_key(r#"["l"][2]"#) else { return };
    scene.says(r#"the key ["l"][2] does not exist: "l" has 2 elements, [0] to [1]; correct the position"#);
    scene.redeclare("key", r#"["l"][1]["n"]"#);
    scene.is_mended();
    assert_eq!(scene.secret(), "five");
}

fn an_element_of_a_list_is_named() {
    let Some(mut scene) = with_key("l") else { return };
    let line = scene.says("set key to one of its elements, such as ");
    let (_, key) = line.split_once("such as ").unwrap();
    let (key, _) = key.split_once(", or set as = \"lines\" or \"json\" for all of them").unwrap();
    scene.redeclare("key", unquoted(key));
    scene.is_mended();
    assert_eq!(scene.secret(), "four");
    assert_eq!(scene.types(&format!("sops decrypt --extract '{key}' f.json")), "four");
}

/// A secret at `key` whose form has no spelling for it, which the program says in these words. Each of the other fields mends it.
fn formed(key: &str, form: &str, words: &str, others: &[(&str, &str)]) {
    let Some(mut scene) = with_key(key) else { return };
    scene.redeclare("as", form);
    scene.says(words);
    for (field, value) in others {
        scene.redeclare(field, *value);
        scene.is_mended();
        scene.redeclare("key", key);
        scene.redeclare("as", form);
    }
}

fn what_is_no_list_gets_another_form_or_key() {
    formed(
        "n",
        "lines",
        "the key \"n\" is a map, and lines are made of a list; set as = \"json\" or \"yaml\", or set key to a list",
        &[("as", "json"), ("as", "yaml"), ("key", "l2")],
    );
}

fn what_is_no_map_gets_another_form_or_key() {
    let words = "the key \"l2\" is a list, and variables are made of a map; set as = \"lines\", \"json\" or \"yaml\", or set key to a map";
    let others = [("as", "lines"), ("as", "json"), ("as", "yaml"), ("key", "n")];
    formed("l2", "sh", words, &others);
}

fn what_is_no_single_value_gets_another_form() {
    for (key, form, words) in [
        ("l", "lines", "the key [\"l\"][1] is a map, and a line holds a single value; "),
        (
            "m3",
            "sh",
            "the key \"m3/l\" is a list, and a variable holds a single value; ",
        ),
        (
            "t",
            "lines",
            "the key \"t\" has a line feed or a carriage return, and would not be one line; ",
        ),
    ] {
        let words = format!("{words}set as = \"json\" or \"yaml\"");
        formed(key, form, &words, &[("as", "json"), ("as", "yaml")]);
    }
}

fn a_document_is_named() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: one\n---\na: two\n");
    scene.declare(&path, "", json!({"as": "json"}));
    let words = "the file has 2 documents, and this form takes one of them; set key to the position of one, such as [0]";
    scene.says(words);
    scene.redeclare("key", "[0]");
    scene.is_mended();
    assert_eq!(scene.secret(), "{\n\t\"a\": \"one\"\n}\n");
}

fn one_of_two_values_is_left() {
    let Some(mut scene) = with_key("password") else { return };
    let path = scene.world.input("f.json");
    // An empty value is not authenticated. So the file can still be decrypted.
    change(&path, |text| {
        text.replacen("\"password\"", "\"password\": \"\",\n\"password\"", 1)
    });
    let line = scene.says("the file has the key \"password\" more than once");
    scene.will_write(PLAIN);
    scene.does(&line);
    scene.is_mended();
}

fn one_of_two_meanings_is_left() {
    let Some(mut scene) = with_key("[\"password\"]") else { return };
    let path = scene.world.input("f.json");
    change(&path, |text| {
        text.replacen("\"password\"", "\"[\\\"password\\\"]\": \"\",\n\"password\"", 1)
    });
    let line = scene.says("the key [\"password\"] is the name of a value, and leads to another one as well");
    scene.will_write(&PLAIN.replacen("\"password\"", "\"other\": \"\", \"password\"", 1));
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), "one");
}

fn bytes_are_written_as_yaml() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: !!binary Y2Fm6Q==\n");
    scene.declare(&path, "", json!({"as": "json"}));
    scene.says("the key \"a\" has bytes that are no text in UTF-8, which JSON cannot hold; set as = \"yaml\"");
    scene.redeclare("as", "yaml");
    scene.is_mended();
}

fn a_key_is_added() {
    let Some(mut scene) = with_key("token") else { return };
    let line = scene.says("the key \"token\" does not exist; correct the key; to add it to the file, ");
    scene.will_write(&PLAIN.replacen('{', "{\"token\": \"nine\", ", 1));
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), "nine");
}

fn a_value_that_is_transformed_is_corrected() {
    let Some(mut scene) = with_key("t") else { return };
    scene.redeclare("transform", "htpasswd:a");
    let line = scene.says("the value has more than one line, and a password is one line");
    scene.will_write(&PLAIN.replace("two\\nlines", "line"));
    scene.does(&line);
    scene.is_mended();
}

fn a_value_that_is_hashed_is_put_in_quotes() {
    let Some(mut scene) = with_key("l2/1") else { return };
    scene.redeclare("transform", "sha512-crypt");
    let line = scene.says("is an integer, and a transform takes a string");
    scene.will_write(&PLAIN.replace("[\"x\", 2]", "[\"x\", \"2\"]"));
    scene.does(&line);
    scene.is_mended();
}

fn a_value_is_given() {
    let Some(mut scene) = with_key("m/c") else { return };
    let line = scene.says(r#"the key "m/c" is null"#);
    let (line, _) = line.split_once("; for an empty file, set as = \"lines\"").unwrap();
    scene.redeclare("as", "lines");
    scene.is_mended();
    assert_eq!(scene.secret(), "");
    scene.redeclare("as", json!(null));
    scene.will_write(&PLAIN.replace("null", "\"eight\""));
    scene.does(line);
    scene.is_mended();
    assert_eq!(scene.secret(), "eight");
}
