//! Tests what is published for a part of a sops file: whatever `key` leads to, in the form that `as` names.

use std::path::{Path, PathBuf};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::common::{World, has};

const RECIPIENT: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";

/// A file that sops encrypts. `None` if there is no sops.
fn encrypted(world: &World, name: &str, plain: &str) -> Option<PathBuf> {
    if !has("sops") {
        return None;
    }
    let file = world.write(name, plain);
    world.shell(&format!("sops encrypt --age {RECIPIENT} --in-place '{}'", file.display()));
    Some(file)
}

/// What sops prints for the part under a key.
fn extracted(world: &World, file: &Path, key: &str, form: &str) -> String {
    let key_file = world.fixture("keys/age.txt");
    world.shell(&format!(
        "SOPS_AGE_KEY_FILE='{}' sops decrypt --extract '{key}' --output-type {form} '{}'",
        key_file.display(),
        file.display()
    ))
}

const YAML: &str = "\
a/b:
    # a comment
    k: v # behind it
    c: [1, 2.50, true, null]
l:
    - one
    # between
    - \"two\\nlines\"
    - [1, [x]]
    - {}
    - n: 2020-01-02
e: {}
el: []
n: null
s: \"1\"
";

#[test]
fn json_and_yaml_are_what_sops_extracts() {
    let Some(world) = World::system() else { return };
    let Some(yaml) = encrypted(&world, "parts.yaml", YAML) else {
        return;
    };
    let json = r#"{"m": {"x": 1, "y": [1, "a", {"z": null}], "h": "<a&b>", "e": {}}, "l": [1, [], ["x"]]}"#;
    let json = encrypted(&world, "parts.json", json).unwrap();
    let ini = encrypted(&world, "parts.ini", "top = 1\n[s t]\n; c\nk = v # d\n").unwrap();
    let forms = [
        (&yaml, "[\"a/b\"]"),
        (&yaml, "[\"a/b\"][\"c\"]"),
        (&yaml, "[\"l\"]"),
        (&yaml, "[\"l\"][3]"),
        (&yaml, "[\"l\"][5]"),
        (&yaml, "[\"e\"]"),
        (&yaml, "[\"el\"]"),
        (&yaml, "[\"n\"]"),
        (&json, "[\"m\"]"),
        (&json, "[\"m\"][\"y\"]"),
        (&json, "[\"m\"][\"y\"][2]"),
        (&json, "[\"l\"]"),
        (&json, "[\"l\"][1]"),
        (&ini, "[\"s t\"]"),
    ];
    for (file, key) in forms {
        for form in ["json", "yaml"] {
            world.install(
                &world
                    .manifest()
                    .with("version", 1)
                    .secret_with("s", file, key, json!({"as": form})),
            );
            assert_eq!(
                world.read("/run/secrets/s"),
                extracted(&world, file, key, form),
                "{key} as {form}"
            );
        }
    }
    // A whole file.
    for (file, form) in [
        (&yaml, "json"),
        (&json, "yaml"),
        (&ini, "json"),
        (&ini, "yaml"),
        (&yaml, "yaml"),
    ] {
        world.install(
            &world
                .manifest()
                .with("version", 1)
                .secret_with("s", file, "", json!({"as": form})),
        );
        let key_file = world.fixture("keys/age.txt");
        let printed = world.shell(&format!(
            "SOPS_AGE_KEY_FILE='{}' sops decrypt --output-type {form} '{}'",
            key_file.display(),
            file.display()
        ));
        assert_eq!(world.read("/run/secrets/s"), printed, "{form}");
    }
}

#[test]
fn a_key_reaches_elements_documents_sections_and_variables() {
    let Some(world) = World::system() else { return };
    let (documents, nesting) = (world.fixture("documents.yaml"), world.fixture("nesting.json"));
    let (ini, env) = (world.fixture("sections.ini"), world.fixture("encrypted-regex.env"));
    for (file, key, form, content) in [
        (&documents, "b", None, "one"),
        (&documents, "[0][\"b\"]", None, "one"),
        (&documents, "[1][\"b\"]", None, "two"),
        (&documents, "[2][\"list\"][1]", None, "y"),
        (&documents, "[2]", Some("yaml"), "list:\n    - x\n    - \"y\"\n# end\n"),
        (&documents, "[2][\"list\"]", Some("lines"), "x\ny\n"),
        (&documents, "[1]", Some("sh"), "a='2'\nb='two'\n"),
        (&nesting, "list/0/k", None, "v"),
        (&nesting, "list/1/0/0", None, "1"),
        (&nesting, "database/port", Some("lines"), "5432\n"),
        (&nesting, "list/0", Some("docker-env"), "k=v\n"),
        (&nesting, "database/port", Some("value"), "5432"),
        (&ini, "database/password", Some("value"), "correct horse battery staple"),
        (&ini, "web server/multi", Some("value"), "line one\nline two"),
        (&ini, "last.section", Some("systemd-env"), "k=\"v\"\n"),
        (&ini, "empty", Some("sh"), ""),
        (&env, "secret", Some("value"), "for some only"),
        (&env, "[\"number\"]", Some("value"), "5"),
        (&env, "number", Some("lines"), "5\n"),
        (&env, "number", Some("json"), "\"5\""),
        (&env, "number", Some("yaml"), "\"5\"\n"),
    ] {
        let fields = form.map_or(json!({}), |form| json!({"as": form}));
        let manifest = world.manifest().with("version", 1).secret_with("s", file, key, fields);
        world.install(&manifest);
        assert_eq!(world.read("/run/secrets/s"), content, "{key} {form:?}");
        let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
        assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{key} {form:?}");
    }
    // A document that is not there is left out, as a key is.
    for fields in [json!({"optional": true}), json!({"optional": true, "as": "json"})] {
        let manifest = world.manifest().with("version", 1);
        world.install(&manifest.secret_with("s", &documents, "[9][\"a\"]", fields));
        world.shell("! test -e /run/secrets/s");
    }
}

/// The modules of sops-nix write the name of the secret as the key of such a file, people write keys that the file has, and the program
/// of sops-nix reads neither.
#[test]
fn without_a_form_a_dotenv_or_ini_file_is_the_whole_secret_whatever_its_key() {
    let Some(world) = World::system() else { return };
    let (ini, env) = (world.fixture("sections.ini"), world.fixture("encrypted-regex.env"));
    for (file, key) in [
        (&ini, "database/password"),
        (&env, "secret"),
        (&env, "[\"number\"]"),
        (&env, "[0]"),
        (&env, "app.env"),
    ] {
        for manifest in [world.manifest(), world.manifest().with("version", 1)] {
            let with_key = manifest.clone().secret("s", file, key);
            world.install(&with_key);
            let content = world.read("/run/secrets/s");
            world.install(&manifest.secret("s", file, ""));
            assert_eq!(world.read("/run/secrets/s"), content, "{key}");
            let checked = world.run_with(&with_key, |command| command.arg("-check-mode=sopsfile"));
            assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{key}");
        }
    }
}

/// Names that look like positions, slashes or brackets: what sops-nix finds is found.
#[test]
fn a_name_that_looks_like_a_position_or_a_step_is_the_name_that_sops_nix_finds() {
    let Some(world) = World::system() else { return };
    let yaml = r#"
"0": zero
"00": more
m: {"1": one, "0": {"2": two}, "[0]": bracketed}
"[0]": first
"[0][\"m\"]": second
"[\"x\"][\"1\"]": third
"[\"n\"]": fourth
n: fifth
"": {"": empty}
"#;
    let Some(file) = encrypted(&world, "names.yaml", yaml) else {
        return;
    };
    for (key, content) in [
        ("0", "zero"),
        ("00", "more"),
        ("m/1", "one"),
        ("m/0/2", "two"),
        ("m/[0]", "bracketed"),
        ("[0]", "first"),
        ("[\"x\"][\"1\"]", "third"),
        ("n", "fifth"),
        ("/", "empty"),
        // sops-nix finds nothing there.
        ("[0][\"m\"][\"1\"]", "one"),
        ("[\"m\"][\"0\"][\"2\"]", "two"),
        ("['[\"n\"]']", "fourth"),
    ] {
        let manifest = world.manifest().with("version", 1).secret("s", &file, key);
        world.install(&manifest);
        assert_eq!(world.read("/run/secrets/s"), content, "{key}");
        let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
        assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "{key}");
    }
    for key in ["[\"n\"]", "[0][\"m\"]"] {
        let words = format!("the key {key} is the name of a value, and leads to another one as well");
        is_refused(&world, &file, key, None, &words);
    }
}

/// A secret that neither a run nor a build accepts, in these words.
fn is_refused(world: &World, file: &Path, key: &str, form: Option<&str>, words: &str) {
    let fields = form.map_or(json!({}), |form| json!({"as": form}));
    let manifest = world.manifest().with("version", 1).secret_with("s", file, key, fields);
    let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
    for said in [world.run(&manifest), checked] {
        assert_eq!(said.code, Some(1), "{key}: {said:?}");
        assert!(said.err.contains(words), "{key}: {said:?}");
    }
}

/// Whoever can write the file can add names, with empty values at least. Nor does it help to spoil what the key means.
#[test]
fn a_name_that_is_added_never_takes_the_place_of_a_key_in_brackets() {
    let Some(world) = World::system() else { return };
    let added = [
        ("\"[\\\"database\\\"][\\\"host\\\"]\": \"\"", "[\"database\"][\"host\"]", None),
        ("\"[\\\"database\\\"]\": {}", "[\"database\"]", Some("json")),
        ("\"[\\\"database\\\"]\": null", "[\"database\"]", Some("sh")),
    ];
    for (number, (item, key, form)) in added.into_iter().enumerate() {
        let with = format!("{item}, \"database\":");
        let file = world.damaged("nesting.json", &format!("added{number}.json"), "\"database\":", &with);
        is_refused(
            &world,
            &file,
            key,
            form,
            "is the name of a value, and leads to another one as well",
        );
    }
    let spoiled = "\"database\": {\"host\": \"\",";
    for (number, (item, key, form)) in added.into_iter().enumerate() {
        for (way, old, new) in [
            ("repeated", "\"database\":", "\"database\": {}, \"database\":"),
            ("deeper", "\"database\": {", spoiled),
        ] {
            let name = format!("{way}{number}.json");
            let file = world.damaged("nesting.json", &name, old, &format!("{item}, {new}"));
            let words = "is the name of a value, and leads to another one as well";
            is_refused(&world, &file, key, form, words);
        }
    }
    let twice = format!("{0}, {0}, \"database\":", added[0].0);
    let file = world.damaged("nesting.json", "twice.json", "\"database\":", &twice);
    is_refused(&world, &file, added[0].1, None, "more than once");
}

#[test]
fn an_encrypted_comment_is_no_element_and_the_build_knows_it() {
    let Some(world) = World::system() else { return };
    // sops writes the comment like an element.
    let Some(file) = encrypted(&world, "hosts.yaml", "hosts:\n    - one\n    # c\n    - two\n") else {
        return;
    };
    for form in [None, Some("json"), Some("lines")] {
        is_refused(&world, &file, "hosts/1", form, "the key \"hosts/1\" is a comment");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_as_json() {
    let Some(world) = World::system() else { return };
    if !has("sops") {
        return;
    }
    let file = world.write("bytes.env", b"A=one\nPW=caf\xe9\n");
    world.shell(&format!("sops encrypt --age {RECIPIENT} --in-place '{}'", file.display()));
    let manifest = |key: &str, form: &str| {
        let manifest = world.manifest().with("version", 1);
        manifest.secret_with("s", &file, key, json!({"as": form}))
    };
    for key in ["", "PW", "[0]"] {
        let said = world.run(&manifest(key, "json"));
        assert_eq!(said.code, Some(1), "{said:?}");
        let shown = if key == "[0]" { "[0][\"PW\"]" } else { "\"PW\"" };
        let words = format!("the key {shown} has bytes that are no text in UTF-8, which JSON cannot hold; set as = \"yaml\"");
        assert!(said.err.contains(&words), "{said:?}");
    }
    world.install(&manifest("A", "json"));
    assert_eq!(world.read("/run/secrets/s"), "\"one\"");
    // Names are not encrypted, so the build knows them.
    let named = world.write("named.env", b"A=one\nP\xe9=two\n");
    world.shell(&format!("sops encrypt --age {RECIPIENT} --in-place '{}'", named.display()));
    let path = world.save(
        &world
            .manifest()
            .with("version", 1)
            .secret_with("s", &named, "", json!({"as": "json"})),
    );
    let said = world.run_arguments([Path::new("-check-mode=sopsfile"), &path]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("bytes that are no text in UTF-8"), "{said:?}");
    world.install(&manifest("", "yaml"));
    assert_eq!(world.read("/run/secrets/s"), "A: one\nPW: !!binary Y2Fm6Q==\n");
}

#[test]
fn null_is_an_empty_file_only_where_the_form_says_so() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("types.json");
    let manifest = |form: Value| {
        let fields = json!({"as": form});
        world.manifest().with("version", 1).secret_with("s", &file, "null", fields)
    };
    for (form, content) in [
        ("lines", ""),
        ("systemd-env", ""),
        ("sh", ""),
        ("json", "null"),
        ("yaml", "null\n"),
    ] {
        world.install(&manifest(json!(form)));
        assert_eq!(world.read("/run/secrets/s"), content, "{form}");
    }
    let said = world.run(&manifest(json!(null)));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the key \"null\" is null, not a single value"), "{said:?}");
}

/// Whoever can write the file can add an empty value without the key.
#[test]
fn a_name_that_is_twice_in_a_part_is_refused_at_any_depth() {
    let Some(world) = World::system() else { return };
    let twice = |name: &str| format!("\"{name}\": \"\",\n\"{name}\":");
    let file = world.damaged("nesting.json", "twice.json", "\"password\":", &twice("password"));
    for (key, form) in [
        ("database", "json"),
        ("database", "yaml"),
        ("", "json"),
        ("[0]", "yaml"),
        ("database/users/admin", "sh"),
    ] {
        let manifest = world
            .manifest()
            .with("version", 1)
            .secret_with("s", &file, key, json!({"as": form}));
        let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
        for said in [world.run(&manifest), checked] {
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.err.contains("more than once"), "{said:?}");
        }
    }
    world.install(
        &world
            .manifest()
            .with("version", 1)
            .secret_with("s", &file, "list", json!({"as": "json"})),
    );
}

#[test]
fn a_dummy_has_the_form_of_the_secret() {
    let Some(world) = World::system() else { return };
    let mut manifest = world.manifest().with("version", 1).with("mock", true);
    let forms = [
        ("json", "{\"mock\": \"MOCK-json\"}\n"),
        ("yaml", "mock: MOCK-yaml\n"),
        ("lines", "MOCK-lines\n"),
        ("dotenv", "MOCK='MOCK-dotenv'\n"),
    ];
    for (form, _) in forms {
        manifest = manifest.secret_with(form, &world.input("absent.yaml"), "a", json!({"as": form}));
    }
    world.install(&manifest);
    for (form, text) in forms {
        assert_eq!(world.read(&format!("/run/secrets/{form}")), text, "{form}");
    }
}

#[test]
fn a_part_counts_with_the_length_that_it_has_when_it_is_written() {
    let Some(world) = World::system() else { return };
    let plain = json!({"m": {"a": "'".repeat(400 << 10)}}).to_string();
    let Some(file) = encrypted(&world, "quotes.json", &plain) else {
        return;
    };
    let manifest = |form: &str| {
        let manifest = world.manifest().with("version", 1).with("maxSize", 1);
        manifest.secret_with("s", &file, "m", json!({"as": form}))
    };
    world.install(&manifest("json"));
    // Each quote takes four characters in a shell.
    let said = world.run(&manifest("sh"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("more than 1 MiB of secrets"), "{said:?}");
}

/// Random trees, whose texts are hard to write. (sops writes the text `<<` as `!!merge <<`, which the library of python refuses.)
fn trees() -> Value {
    let special = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "\n",
        "\r",
        "\t",
        " ",
        ": ",
        " #",
        "- ",
        "?",
        "!",
        "&a",
        "*a",
        "[",
        "]",
        "{",
        "}",
        ",",
        "|",
        ">",
        "%",
        "@",
        "`",
        "null",
        "~",
        "true",
        "yes",
        "0x1",
        "1e3",
        "1_0",
        "12:30",
        ".inf",
        "2001-01-01",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "é",
        "🔑",
        "<&>",
    ]);
    let piece = prop_oneof![
        2 => special.prop_map(str::to_owned),
        1 => "[a-z0-9]{1,6}",
    ];
    let text = prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    let scalar = prop_oneof![
        6 => text.clone().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => (-1000..1000_i32).prop_map(|number| Value::from(f64::from(number) / 8.0 + 0.0625)),
    ];
    let tree = scalar.prop_recursive(4, 30, 5, move |inner| {
        let names = text.clone();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5).prop_map(|items| Value::Object(items.into_iter().collect())),
        ]
    });
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[23; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let trees = (0..1000).map(|number| (format!("k{number}"), tree.new_tree(&mut runner).unwrap().current()));
    Value::Object(trees.collect())
}

/// Prints all YAML files of a directory as one JSON object, by a library of another language.
const PYTHON: &str = r#"import glob, json, os, sys, yaml
trees = {os.path.basename(name)[:-5]: yaml.safe_load(open(name, encoding="utf-8")) for name in glob.glob("/run/secrets/*.yaml")}
print(json.dumps(trees))
"#;

/// Each tree by itself, so that texts and numbers stand alone in a file too, and all of them together, as `all`.
#[test]
fn what_is_written_reads_back_as_the_value() {
    let Some(world) = World::system() else { return };
    let trees = trees();
    let Some(file) = encrypted(&world, "trees.json", &trees.to_string()) else {
        return;
    };
    let mut expected = trees.as_object().unwrap().clone();
    let mut manifest = world.manifest().with("version", 1).without("logging");
    for form in ["json", "yaml"] {
        manifest = manifest.secret_with(&format!("all.{form}"), &file, "", json!({"as": form}));
        for key in expected.keys() {
            manifest = manifest.secret_with(&format!("{key}.{form}"), &file, key, json!({"as": form}));
        }
    }
    world.install(&manifest);
    expected.insert("all".to_owned(), trees);
    let expected = Value::from(expected);
    if has("jq") {
        // The names of the files are in the order of the map.
        let all = "for file in /run/secrets/*.json; do cat \"$file\"; echo; done";
        let read = world.shell(&format!("export LC_ALL=C; ({all}) | jq --slurp --compact-output ."));
        let values = expected.as_object().unwrap().values().cloned().collect();
        assert_eq!(serde_json::from_str::<Value>(&read).unwrap(), Value::Array(values));
    } else {
        println!("skipped: no jq to read JSON");
    }
    let mut python = world.as_tester("python3");
    if python
        .args(["-c", "import yaml"])
        .status()
        .is_ok_and(|status| status.success())
    {
        let script = world.write("read.py", PYTHON);
        let read = world.shell(&format!("python3 '{}'", script.display()));
        assert_eq!(serde_json::from_str::<Value>(&read).unwrap(), expected);
    } else {
        println!("skipped: no yaml library of python to read YAML");
    }
}
