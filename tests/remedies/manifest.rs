//! The remedies for manifests that cannot be used. Each test changes the manifest as the remedy says.

use std::path::Path;

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    named(
        "remove {field}; what reads the file has to notice a change itself",
        "this system has systemd; src/manifest/unit_names.rs says what is refused on another",
        &["sops.secrets.<name>.restartUnits"],
    ),
    mended("choose two paths, neither of which is inside the other", || {
        field(
            "choose two paths, neither of which is inside the other",
            "symlinkPath",
            &json!("%r/secrets.d/x"),
            &json!("%r/secrets"),
        );
    }),
    mended("choose another sops.metrics.directory", || {
        options("choose another sops.metrics.directory", &["sops.metrics.directory"]);
        let Some(mut scene) = host() else { return };
        scene.set("version", 1);
        scene.set("metricsFile", "%r/secrets.d/sops-nix.prom");
        scene.says("/secrets.d; choose another sops.metrics.directory");
        scene.set("metricsFile", "%r/metrics/sops-nix.prom");
        scene.is_mended();
    }),
    mended("choose another path", || {
        of_secret(
            "which this program itself needs; choose another path",
            "path",
            &json!("%r/secrets.d"),
            &json!("%r/x"),
        );
    }),
    mended("choose a path outside secretsMountPoint", || {
        of_secret(
            "so its link is made in the directory of the generations; choose a path outside secretsMountPoint",
            "path",
            &json!("%r/secrets.d/x"),
            &json!("%r/x"),
        );
    }),
    mended("choose another name, such as \\\"db/password\\\"", || {
        of_secret(
            "choose another name, such as \"db/password\"",
            "name",
            &json!("/db"),
            &json!("db/password"),
        );
    }),
    mended("set sops.gnupg.sshKeyPaths to [ ], or remove sops.gnupg.home", || {
        options(
            "gnupgHome and sshKeyPaths cannot both be set",
            &["sops.gnupg.sshKeyPaths", "sops.gnupg.home"],
        );
        excluded(
            "gnupgHome and sshKeyPaths cannot both be set",
            "sshKeyPaths",
            &json!(["/nowhere"]),
            &json!([]),
        );
    }),
    mended("remove sops.age.keyFile or sops.gnupg.home", || {
        options(
            "gnupgHome and ageKeyFile cannot both be set",
            &["sops.age.keyFile", "sops.gnupg.home"],
        );
        excluded(
            "gnupgHome and ageKeyFile cannot both be set",
            "sshKeyPaths",
            &json!([]),
            &json!([]),
        );
    }),
    mended("correct sops.age.keyCredential", || {
        options("keyCredential", &["sops.age.keyCredential"]);
        field(
            "is not the name of a credential",
            "ageKeyCredential",
            &json!("a/b"),
            &json!(""),
        );
    }),
    named(
        "rename it, or set sops.mock to false",
        "tests/contract/mock.rs has secrets with other names",
        &["sops.mock"],
    ),
    mended("set sops.warnAge to a number between 1 and {MOST_DAYS}, in days", || {
        options("warnAge", &["sops.warnAge"]);
        field("set sops.warnAge to a number between 1 and ", "warnAge", &json!(0), &json!(1));
    }),
    mended("set sops.keyTimeout to a number between 1 and {LONGEST}, in seconds", || {
        options("keyTimeout", &["sops.keyTimeout"]);
        field(
            "set sops.keyTimeout to a number between 1 and ",
            "keyTimeout",
            &json!(0),
            &json!(1),
        );
    }),
    mended(
        "set sops.keyServices.timeout to a number between 1 and {MOST_SECONDS}, in seconds",
        || {
            services("timeout", &json!(0), &json!(20));
        },
    ),
    mended(
        "write it as unix:///path or tcp://host:port in sops.keyServices.addresses",
        || {
            services("addresses", &json!(["/run/ks"]), &json!(["unix:///run/ks"]));
        },
    ),
    mended(
        "write it as https://host or https://host:port in sops.keyServices.allowedEndpoints",
        || {
            services(
                "allowedEndpoints",
                &json!(["vault.example.com"]),
                &json!(["https://vault.example.com"]),
            );
        },
    ),
    mended("set sops.keyServices.package", || {
        services("program", &json!("sops-key-services"), &json!("/bin/sops-key-services"));
    }),
    mended("set version to 1", || {
        let Some(mut scene) = host() else { return };
        scene.set("keyServices", json!({"program": "/bin/sops-key-services"}));
        scene.says("keyServices needs a manifest with a version; set version to 1");
        scene.set("version", 1);
        scene.is_mended();
    }),
    mended("set sops.maxSize to a number between 1 and {LARGEST}, in MiB", || {
        options("maxSize", &["sops.maxSize"]);
        field("set sops.maxSize to a number between 1 and ", "maxSize", &json!(0), &json!(1));
    }),
    mended("raise sops.maxSize", || {
        a_size_is_raised(
            "it is larger than 1 MiB; raise sops.maxSize",
            &"x".repeat(1 << 20),
            1,
            Some(1),
        );
        a_size_is_raised(
            "this would be more than 1 MiB of secrets in all; raise sops.maxSize",
            &"x".repeat(400_000),
            3,
            Some(1),
        );
    }),
    mended("make it smaller, or import the Nix module of sops-install-secrets", || {
        a_size_is_raised(
            "it is larger than 1 MiB; make it smaller, or import the Nix module of sops-install-secrets",
            &"x".repeat(1 << 20),
            1,
            None,
        );
    }),
    mended("use the program and the Nix module from the same release", || {
        field(
            "the manifest has version 2, but this program knows only version 1",
            "version",
            &json!(2),
            &json!(1),
        );
    }),
    mended("run: {}", a_manifest_is_converted),
    mended("set one of the two", || {
        an_owner_is_set();
        a_template_gets_content();
    }),
    mended("set {what} to an absolute path", || {
        field(
            "secretsMountPoint is missing; set secretsMountPoint to an absolute path",
            "secretsMountPoint",
            &json!(""),
            &json!("%r/secrets.d"),
        );
    }),
    mended("set an absolute path other than \\\"/\\\"", || {
        of_secret(
            "the path of secret \"s\" is \"x\", which is not an absolute path; set an absolute path",
            "path",
            &json!("x"),
            &json!("%r/x"),
        );
    }),
    mended("write the path without \\\"..\\\"", || {
        of_secret(
            "so each \"..\" removes the part before it; write the path without \"..\"",
            "path",
            &json!("%r/x/../y"),
            &json!("%r/y"),
        );
    }),
    mended("set keepGenerations to 0 or more", || {
        field(
            "keepGenerations is -1; set keepGenerations to 0 or more",
            "keepGenerations",
            &json!(-1),
            &json!(0),
        );
    }),
    mended("set sopsFile to the file that holds the secret", a_secret_gets_its_file),
    mended("set \\\"yaml\\\", \\\"json\\\"", || {
        of_secret(
            "the unknown format \"toml\"; set \"yaml\", \"json\", ",
            "format",
            &json!("toml"),
            &json!("yaml"),
        );
    }),
    mended("set \\\"base64-decode\\\", \\\"sha512-crypt\\\"", || {
        of_secret(
            "the unknown transform \"bcrypt\"; set \"base64-decode\", ",
            "transform",
            &json!("bcrypt"),
            &json!("sha512-crypt"),
        );
    }),
    mended("write a name of 1 to 255 bytes without a colon", || {
        of_secret(
            "the transform \"htpasswd:a:b\", whose user no htpasswd file can have; write a name ",
            "transform",
            &json!("htpasswd:a:b"),
            &json!("htpasswd:a"),
        );
    }),
    mended("set a mode such as \\\"0700\\\", ", || {
        of_directory(
            "but its owner has to write in it, and nobody else may; set a mode such as \"0700\", ",
            &json!({"db": {"mode": "0777"}}),
        );
    }),
    mended("set its group", || {
        let Some(mut scene) = host() else { return };
        scene.redeclare("name", "db/s");
        scene.set("userMode", false);
        scene.set("directories", json!({"db": {"mode": "0750"}}));
        scene.says("with which only a group can enter it, but no group; set its group");
        scene.set("userMode", true);
        scene.is_mended();
    }),
    named(
        "set the mode of the directory to",
        "tests/contract/directories.rs has such directories, and a message case has this one",
        &["sops.directories.<name>.mode"],
    ),
    mended("remove group", || {
        of_directory(
            "has a group, but a run in user mode gives nothing to others; remove group",
            &json!({"db": {"mode": "0700", "group": "users"}}),
        );
    }),
    mended("write the beginning of the names of its secrets", || {
        of_directory(
            "the name of directory \"db/\" begins or ends with a slash, or has two slashes in a row; write the beginning ",
            &json!({"db/": {"mode": "0700"}}),
        );
    }),
    mended("correct its name, or remove it", || {
        of_directory(
            "no secret and no template lies in directory \"d\"; correct its name, or remove it",
            &json!({"d": {"mode": "0700"}}),
        );
    }),
    mended("correct mockValue", a_dummy_is_corrected),
    mended("set \\\"as\\\" to \\\"value\\\"", a_transform_gets_a_value),
    mended("single value, and \\\"as\\\" to", a_transform_gets_a_value),
    mended("set key to that of a single value", a_transform_gets_a_key),
    mended("set \\\"newline\\\", or leave", || {
        of_secret(
            "the unknown trim \"spaces\"; set \"newline\", or ",
            "trim",
            &json!("spaces"),
            &json!("newline"),
        );
    }),
    mended(
        "set \\\"systemd-env\\\", \\\"docker-env\\\", \\\"dotenv\\\" or \\\"sh\\\"",
        a_form_of_a_template_is_corrected,
    ),
    mended("set \\\"value\\\", \\\"json\\\", \\\"yaml\\\", \\\"lines\\\"", || {
        of_secret(
            "the unknown \"as\" \"fish\"; set \"value\", \"json\", ",
            "as",
            &json!("fish"),
            &json!("json"),
        );
    }),
    mended("remove \\\"as\\\"", bytes_have_no_form),
    mended(
        "set the key of the value, or remove \\\"as\\\" for the whole file",
        a_value_has_a_key,
    ),
    mended("set \\\"link\\\" or \\\"copy\\\"", || {
        of_secret(
            "the unknown install \"move\"; set \"link\" or \"copy\"",
            "install",
            &json!("move"),
            &json!("link"),
        );
    }),
    named(
        "set path to where the copy belongs, or install to",
        "every test of a copy has a path; the remedy above sets install",
        &["sops.secrets.<name>.install", "sops.secrets.<name>.path"],
    ),
    mended("set \\\"abort\\\", \\\"skip\\\"", || {
        of_secret(
            "the unknown onFailure \"ignore\"; set \"abort\", \"skip\" or ",
            "onFailure",
            &json!("ignore"),
            &json!("skip"),
        );
    }),
    mended("set a mode such as \\\"0400\\\"", || {
        of_secret(
            "which is not an octal number; set a mode such as \"0400\"",
            "mode",
            &json!("9"),
            &json!("0400"),
        );
        of_secret(
            "so only its last four digits count; set a mode such as \"0400\"",
            "mode",
            &json!("10400"),
            &json!("0400"),
        );
    }),
    mended("set {id_field} to a number between 0 and 4294967294", || {
        of_secret(
            "has the uid -1, which is negative; set uid to a number between 0 and ",
            "uid",
            &json!(-1),
            &json!(0),
        );
    }),
    mended("write the full name of a unit, such as nginx.service", || {
        of_secret(
            "which is not the name of a unit, so it is ignored; write the full name",
            "restartUnits",
            &json!(["--now"]),
            &json!(["nginx.service"]),
        );
    }),
    named(
        "choose the text that stands for this secret in templates",
        "the Nix modules choose it; tests/contract/templates.rs uses one",
        &[],
    ),
    named("choose another placeholder for one of them", "as above", &[]),
    mended("set one format for both", one_format_is_declared),
    mended("remove or rename all but one", one_of_two_secrets_is_removed),
    mended("give the path of a manifest that a Nix module made", the_manifest_is_named),
    mended("correct the path, or the owner and mode of the file", the_manifest_is_named),
    mended("remove one of the two", a_field_is_given_once),
    mended("remove it", an_unknown_field_is_removed),
    mended("correct the path", the_manifest_is_named),
    mended("did you mean {}?", the_field_that_was_meant_is_there),
    mended("declare the secret, and rebuild", a_secret_of_a_template_is_declared),
    mended("declare that secret without neededForUsers", a_missing_secret_is_declared),
    mended("to see what it said, run: {sudo}cat {path}", what_a_check_has_said_is_seen),
    mended("correct the template, or its check", a_check_is_corrected),
    mended(
        "let check be the path of one program, without arguments",
        a_check_is_one_program,
    ),
    named(
        "correct those checks",
        "the unit tests of src/program/checks.rs have checks that take too long",
        &["sops.templates.<name>.check"],
    ),
    mended("declare the secret, or write {meant}", a_name_in_a_template_is_corrected),
    mended("the filters are {FILTER_NAMES}", a_filter_that_is_there_is_used),
    mended("write double quotes, or none", a_filter_is_between_double_quotes),
    mended(
        "write it as a string of its own on the line",
        a_filter_is_where_quotes_are_clear,
    ),
    mended("write double quotes around the whole string", a_filter_is_a_whole_string),
    mended(
        "write it outside of quotes, before any here-document",
        a_filter_is_a_word_of_a_shell,
    ),
    mended("write @sops:NAME@ or", a_name_in_a_template_has_no_blanks),
    mended(
        "use the filter base64 if its reader can decode that",
        a_filter_for_bytes_is_used,
    ),
    mended(
        "use a filter between double quotes, such as {filtered}",
        a_value_between_quotes_has_a_filter,
    ),
];

/// A host with the secret `s`.
fn host() -> Option<Scene> {
    let mut scene = Scene::new()?;
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    Some(scene)
}

fn options(words: &str, names: &[&str]) {
    for name in names {
        assert!(crate::exists(name), "{words}: {name}");
    }
}

/// Tests a field of the manifest, with a wrong value and with the right value.
fn field(words: &str, name: &str, wrong: &Value, right: &Value) {
    let Some(mut scene) = host() else { return };
    scene.set(name, wrong.clone());
    scene.says(words);
    scene.set(name, right.clone());
    scene.is_mended();
}

/// Tests a field of `keyServices`, with a wrong value and with the right value.
fn services(name: &str, wrong: &Value, right: &Value) {
    let Some(mut scene) = host() else { return };
    let option = if name == "program" { "package" } else { name };
    options(name, &[&format!("sops.keyServices.{option}")]);
    scene.set("version", 1);
    let mut services = json!({"program": "/bin/sops-key-services"});
    services[name] = wrong.clone();
    scene.set("keyServices", services.clone());
    scene.says(&format!("sops.keyServices.{option}"));
    services[name] = right.clone();
    scene.set("keyServices", services);
    scene.is_mended();
}

/// Tests a field of the secret, with a wrong value and with the right value.
fn of_secret(words: &str, name: &str, wrong: &Value, right: &Value) {
    let Some(mut scene) = host() else { return };
    scene.redeclare(name, wrong.clone());
    scene.says(words);
    scene.redeclare(name, right.clone());
    scene.is_mended();
}

/// Tests a `GnuPG` home together with a field that excludes it. Without the home, the run succeeds.
fn excluded(words: &str, name: &str, wrong: &Value, right: &Value) {
    let Some(mut scene) = host() else { return };
    scene.set("gnupgHome", "/nowhere");
    scene.set(name, wrong.clone());
    scene.says(words);
    scene.set(name, right.clone());
    scene.unset("gnupgHome");
    scene.is_mended();
}

fn a_form_of_a_template_is_corrected() {
    let Some(mut scene) = host() else { return };
    let template = |form: &str| json!([{"name": "t", "mode": "0400", "content": "A=1", "as": form}]);
    scene.set("templates", template("json"));
    scene.says("template \"t\" has the unknown \"as\" \"json\"; set \"systemd-env\", ");
    scene.set("templates", template("systemd-env"));
    scene.is_mended();
}

/// Tests directories with a fault, of a manifest with the secret `db/s`. With the right ones, the run succeeds.
fn of_directory(words: &str, wrong: &Value) {
    let Some(mut scene) = host() else { return };
    scene.redeclare("name", "db/s");
    scene.set("directories", wrong.clone());
    scene.says(words);
    scene.set("directories", json!({"db": {"mode": "0700"}}));
    scene.is_mended();
}

fn a_dummy_is_corrected() {
    let Some(mut scene) = host() else { return };
    scene.set("mock", true);
    scene.redeclare("transform", "base64-decode");
    scene.redeclare("mockValue", "no Base64!");
    scene.says("the mockValue of secret \"s\": the value is not Base64, which transform decodes; correct mockValue");
    scene.redeclare("mockValue", "Zg==");
    scene.is_mended();
}

fn a_transform_gets_a_value() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.env", "A=one\nB=two\n");
    scene.declare(&path, "A", json!({"format": "dotenv", "transform": "sha512-crypt"}));
    scene.says("which takes a single value, but it is a whole file; set key to that of a single value, and \"as\" to \"value\"");
    scene.redeclare("as", "sh");
    scene.says("which takes a single value, but its \"as\" writes more than that; set \"as\" to \"value\"");
    scene.redeclare("as", "value");
    scene.is_mended();
}

fn a_transform_gets_a_key() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.json", r#"{"a": "one"}"#);
    scene.declare(&path, "", json!({"format": "json", "transform": "sha512-crypt"}));
    scene.says("which takes a single value, but it is a whole file; set key to that of a single value");
    scene.redeclare("key", "a");
    scene.is_mended();
}

fn bytes_have_no_form() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.bin", "one\n");
    scene.declare(&path, "", json!({"format": "binary", "as": "sh"}));
    scene.says("has \"as\", but its format is binary, which is bytes without parts; remove \"as\"");
    scene.redeclare("as", json!(null));
    scene.is_mended();
}

fn a_value_has_a_key() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.env", "A=one\nB=two\n");
    scene.declare(&path, "", json!({"format": "dotenv", "as": "value"}));
    scene.says("has the \"as\" \"value\", but no key; set the key of the value, or remove \"as\" for the whole file");
    scene.redeclare("key", "B");
    scene.is_mended();
    assert_eq!(scene.secret(), "two");
    scene.redeclare("key", "");
    scene.redeclare("as", json!(null));
    scene.is_mended();
    assert_eq!(scene.secret(), "A=one\nB=two\n");
}

fn an_unknown_field_is_removed() {
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    scene.set("somethingNew", 1);
    scene.says("the manifest has the unknown field \"somethingNew\"; remove it");
    scene.unset("somethingNew");
    scene.is_mended();
}

fn the_field_that_was_meant_is_there() {
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    scene.set("keepGenerationz", 1);
    let line = scene.says("; did you mean ");
    let (_, meant) = line.split_once("; did you mean ").unwrap();
    let meant = meant.trim_end_matches('?').trim_matches('"');
    scene.unset("keepGenerationz");
    scene.set(meant, 1);
    scene.is_mended();
}

fn a_secret_of_a_template_is_declared() {
    let Some(mut scene) = host() else { return };
    let token = crate::common::token("other");
    let template = |scene: &Scene| scene.manifest.clone().template("t", &token, json!({}));
    let good = scene.manifest.clone();
    scene.manifest = template(&scene);
    scene.says("but no secret of this manifest has that placeholder; declare the secret, and rebuild");
    scene.manifest = good.secret("other", &scene.world.input("f.yaml"), "a");
    scene.manifest = template(&scene);
    scene.is_mended();
}

fn a_missing_secret_is_declared() {
    let Some(mut scene) = host() else { return };
    let token = crate::common::token("other");
    scene.manifest = scene.manifest.clone().template("t", &token, json!({}));
    scene.manifest.value()["placeholderBySecretName"]["other"] = json!(token);
    scene.says("which this manifest does not install; declare that secret without neededForUsers");
    scene.manifest = scene.manifest.clone().secret("other", &scene.world.input("f.yaml"), "a");
    scene.is_mended();
}

/// Tests a template with the text `wrong`, and with the text `right`. The secret `s` is `value`.
fn of_template(value: &str, words: &str, wrong: &str, right: &str) {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", &format!("a: {}\n", json!(value)));
    scene.declare(&path, "a", json!({}));
    scene.set("version", 1);
    scene.set("placeholderBySecretName", json!({"s": "<SOPS:S:PLACEHOLDER>"}));
    let bare = scene.manifest.clone();
    scene.manifest = bare.clone().template("t", wrong, json!({}));
    scene.says(words);
    scene.manifest = bare.template("t", right, json!({}));
    scene.is_mended();
}

fn a_name_in_a_template_is_corrected() {
    let words = "no secret \"password\"; declare the secret, or write passwrd";
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    let path = scene.world.input("f.yaml");
    let bare = scene.manifest.clone().secret("passwrd", &path, "a");
    scene.manifest = bare.clone().template("t", "@sops:password@", json!({}));
    scene.says(words);
    scene.manifest = bare.template("t", "@sops:passwrd@", json!({}));
    scene.is_mended();
}

fn a_check_is_corrected() {
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    let bare = scene.manifest.clone();
    let template = |check: &str| bare.clone().template("t", "x", json!({"check": check}));
    scene.manifest = template("/bin/false");
    scene.says("template \"t\": its check /bin/false: exit status 1; correct the template, or its check");
    scene.manifest = template("/bin/true");
    scene.is_mended();
}

fn a_check_is_one_program() {
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    let bare = scene.manifest.clone();
    let template = |check: &str| bare.clone().template("t", "x", json!({"check": check}));
    scene.manifest = template("/bin/true --version");
    scene.says("its check \"/bin/true --version\": no such program; let check be the path of one program");
    scene.manifest = template("/bin/true");
    scene.is_mended();
}

fn what_a_check_has_said_is_seen() {
    let Some(mut scene) = host() else { return };
    scene.set("version", 1);
    let bare = scene.manifest.clone();
    let check = scene
        .world
        .script("refuse", "#!/bin/sh\n echo no colon; exit 1\n")
        .join("refuse");
    let template = |check: &Path| bare.clone().template("t", "x", json!({"check": check}));
    scene.manifest = template(&check);
    let line = scene.says("exit status 1; to see what it said, run: cat ");
    let (_, command) = line.split_once("run: ").unwrap();
    assert_eq!(scene.world.shell(command), "no colon\n");
    scene.manifest = template(Path::new("/bin/true"));
    scene.is_mended();
}

fn a_filter_that_is_there_is_used() {
    let words = "but there is no filter \"jsn\"; the filters are json, ";
    of_template("one", words, "@sops:s|jsn@", "@sops:s|json@");
}

fn a_filter_is_between_double_quotes() {
    let words = "is between single quotes, which know no escapes; write double quotes, or none";
    of_template("one", words, "a: '@sops:s|yaml@'", "a: \"@sops:s|yaml@\"");
}

fn a_filter_is_where_quotes_are_clear() {
    let words = "it is not clear whether secret \"s\" with the filter yaml is between quotes; write it as a string of its own on the line";
    of_template("one", words, "a: -\"@sops:s|yaml@\"", "a: \"-@sops:s|yaml@\"");
}

fn a_filter_is_a_whole_string() {
    let words = "is a part of a string without quotes; write double quotes around the whole string";
    of_template("one", words, "a: Bearer @sops:s|yaml@", "a: \"Bearer @sops:s|yaml@\"");
}

fn a_filter_is_a_word_of_a_shell() {
    let words = "secret \"s\" with the filter sh is between quotes, in a comment, or behind a here-document or a backquote; write it outside of quotes";
    of_template("one", words, "a=\"@sops:s|sh@\"", "a=@sops:s|sh@");
}

fn a_name_in_a_template_has_no_blanks() {
    let words = "which begins like a placeholder; write @sops:NAME@ or @sops:NAME|FILTER@, without blanks";
    of_template("one", words, "@sops:s | json@", "@sops:s|json@");
}

fn a_filter_for_bytes_is_used() {
    let words = "has a character that XML forbids, which the filter xml cannot write; change the value, or use the filter base64";
    of_template("\u{1}", words, "@sops:s|xml@", "@sops:s|base64@");
}

fn a_value_between_quotes_has_a_filter() {
    for (filter, plain, filtered) in [
        (
            "config.sops.filtered.\"s\".json",
            "<SOPS:S:PLACEHOLDER>",
            "<SOPS:S:json:PLACEHOLDER>",
        ),
        ("@sops:s|json@", "@sops:s@", "@sops:s|json@"),
    ] {
        let words = format!("; use a filter between double quotes, such as {filter}");
        let text = |value: &str| format!("{{\"a\": \"{value}\"}}");
        of_template("a\"b", &words, &text(plain), &text(filtered));
    }
}

fn a_manifest_is_converted() {
    let Some(scene) = host() else { return };
    let text = scene.manifest.text();
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    for damaged in [
        units.flat_map(u16::to_be_bytes).collect(),
        [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat(),
    ] {
        scene.world.save(&scene.manifest);
        let path = scene.world.write("manifest.json", damaged);
        let said = scene.world.run_arguments([&path]);
        assert!(said.err.starts_with("error: cannot read the manifest "), "{said:?}");
        let line = said
            .err
            .trim_end()
            .replace("$DIR", scene.world.input("").to_str().unwrap().trim_end_matches('/'));
        scene.does(&line);
        let said = scene.world.run_arguments([path]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

fn a_field_is_given_once() {
    let Some(scene) = host() else { return };
    scene.world.save(&scene.manifest);
    let text = scene.manifest.text();
    let path = scene
        .world
        .write("manifest.json", text.replacen('{', "{\"keepGenerations\": 2, ", 1));
    let said = scene.world.run_arguments([&path]);
    assert!(
        said.err.contains(": the field \"keepGenerations\" is given twice, at line "),
        "{said:?}"
    );
    assert!(said.err.ends_with("; remove one of the two\n"), "{said:?}");
    let path = scene.world.write("manifest.json", text);
    let said = scene.world.run_arguments([&path]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// Tests so many secrets with this value, which exceed the size limit until the limit is raised. `version` is the version of the
/// manifest. A manifest of sops-nix has none.
fn a_size_is_raised(words: &str, value: &str, secrets: usize, version: Option<u32>) {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", &format!("a: {value}\n"));
    for number in 0..secrets {
        scene.manifest = scene.manifest.clone().secret(&number.to_string(), &path, "a");
    }
    if let Some(version) = version {
        scene.set("version", version);
    }
    scene.set("maxSize", 1);
    scene.says(words);
    scene.set("version", 1);
    scene.set("maxSize", 10);
    scene.is_mended();
}

fn an_owner_is_set() {
    let Some(mut scene) = host() else { return };
    for (name, id) in [("owner", "uid"), ("group", "gid")] {
        scene.redeclare(name, Value::Null);
        scene.redeclare(id, Value::Null);
        scene.says("so it belongs to root; set one of the two");
        scene.redeclare(id, 0);
        scene.is_mended();
    }
}

fn a_template_gets_content() {
    let Some(mut scene) = host() else { return };
    let good = scene.manifest.clone();
    scene.manifest = good.clone().template("t", "", json!({}));
    scene.says("template \"t\" has neither content nor file; set one of the two");
    scene.manifest = good.template("t", "text", json!({}));
    scene.is_mended();
}

fn a_secret_gets_its_file() {
    let Some(mut scene) = host() else { return };
    let path = scene.world.input("f.yaml");
    scene.redeclare("sopsFile", "");
    scene.says("secret \"s\" has no sopsFile; set sopsFile to the file that holds the secret");
    scene.redeclare("sopsFile", path.to_str().unwrap());
    scene.is_mended();
}

fn one_format_is_declared() {
    let Some(mut scene) = host() else { return };
    let good = scene.manifest.clone().secret("b", &scene.world.input("f.yaml"), "a");
    scene.manifest = good.clone();
    scene.redeclare("format", "json");
    scene.says("; set one format for both");
    scene.manifest = good;
    scene.is_mended();
}

fn one_of_two_secrets_is_removed() {
    let Some(mut scene) = host() else { return };
    let good = scene.manifest.clone();
    scene.manifest = good.clone().secret("s", &scene.world.input("f.yaml"), "a");
    scene.says("secret \"s\" is declared 2 times, so only the last one counts; remove or rename all but one");
    scene.manifest = good;
    scene.is_mended();
}

fn the_manifest_is_named() {
    let Some(scene) = host() else { return };
    scene.world.save(&scene.manifest);
    let right = scene.world.write("manifest.json", scene.manifest.text());
    std::os::unix::fs::symlink("loop.json", scene.world.input("loop.json")).unwrap();
    for (wrong, words) in [
        ("f.yaml", "; give the path of a manifest that a Nix module made"),
        ("absent.json", "; correct the path\n"),
        ("loop.json", "; correct the path\n"),
    ] {
        let said = scene.world.run_arguments([&scene.world.input(wrong)]);
        assert!(said.err.contains(words), "{said:?}");
        let said = scene.world.run_arguments([&right]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}
