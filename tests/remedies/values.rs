//! Keys of a manifest that give no value.

use serde_json::json;

use crate::scene::{Scene, change};
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    mended("; did you mean {key}", the_key_that_was_meant_is_there),
    mended("; name one of its keys after a slash", a_key_of_a_map_is_named),
    mended("; name one of its elements, such as {key}", an_element_of_a_list_is_named),
    named(
        "take single keys of it",
        "tests/bombs makes files that are so long",
        &["sops.secrets.<name>.key"],
    ),
    mended("{error}; to leave one, {}", one_of_two_values_is_left),
    mended("{error}; to give it a value, {}", a_value_is_given),
];

const PLAIN: &str =
    r#"{"password": "one", "a/b": {"c/d": "two"}, "m": {"a/b": "three", "c": null}, "l": ["four", {"n": "five"}], "m2": "six"}"#;

/// A host with a secret under `key`.
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
    ] {
        let Some(mut scene) = with_key(typed) else { return };
        // Each turn may be right about one more name.
        for _ in 0..2 {
            let said = scene.run();
            let Some((_, meant)) = said.err.split_once("; did you mean ") else {
                break;
            };
            let meant = meant.lines().next().unwrap().to_owned();
            assert_ne!(meant, typed);
            scene.redeclare("key", meant);
        }
        scene.is_mended();
        assert_eq!(scene.secret(), value, "{typed}");
    }
}

fn a_key_of_a_map_is_named() {
    let Some(mut scene) = with_key("m") else { return };
    scene.says("name one of its keys after a slash, or use key \"\" for the whole file");
    scene.redeclare("key", "m/c");
    scene.no_longer_says("after a slash");
    scene.redeclare("key", "");
    scene.is_mended();
}

fn an_element_of_a_list_is_named() {
    let Some(mut scene) = with_key("l") else { return };
    let line = scene.says("name one of its elements, such as ");
    let (_, key) = line.split_once("such as ").unwrap();
    scene.redeclare("key", key);
    scene.is_mended();
    assert_eq!(scene.secret(), "four");
    assert_eq!(scene.types(&format!("sops decrypt --extract '{key}' f.json")), "four");
}

fn one_of_two_values_is_left() {
    let Some(mut scene) = with_key("password") else { return };
    let path = scene.world.input("f.json");
    // An empty value is not authenticated, so the file still opens.
    change(&path, |text| {
        text.replacen("\"password\"", "\"password\": \"\",\n\"password\"", 1)
    });
    let line = scene.says("the key password is there more than once");
    scene.will_write(PLAIN);
    scene.does(&line);
    scene.is_mended();
}

fn a_value_is_given() {
    let Some(mut scene) = with_key("m/c") else { return };
    let line = scene.says("the key m/c is null");
    scene.will_write(&PLAIN.replace("null", "\"seven\""));
    scene.does(&line);
    scene.is_mended();
    assert_eq!(scene.secret(), "seven");
}
