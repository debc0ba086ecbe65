//! Files of environment variables that are written for one reader. `tests/readers` compares all forms with the real readers.

use std::path::Path;

use serde_json::json;

use crate::common::{World, token};

/// The variables of `encrypted-regex.env`, in the form for systemd.
const FOR_SYSTEMD: &str = "PLAIN=\"seen by all\"\nsecret=\"for some only\"\nsecret_suffix=\"x\"\nnumber=\"5\"\n";

#[test]
fn a_dotenv_file_is_written_for_each_reader_and_as_it_is() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("encrypted-regex.env");
    let mut manifest = world.manifest().secret("plain", &file, "");
    let forms = [
        ("systemd-env", FOR_SYSTEMD.to_owned()),
        ("docker-env", FOR_SYSTEMD.replace('"', "")),
        ("dotenv", FOR_SYSTEMD.replace('"', "'")),
        ("sh", FOR_SYSTEMD.replace('"', "'")),
    ];
    for (form, _) in &forms {
        manifest = manifest.secret_with(form, &file, "", json!({"as": form}));
    }
    world.install(&manifest);
    for (form, text) in forms {
        assert_eq!(world.read(&format!("/run/secrets/{form}")), text, "{form}");
    }
    let whole = "# encrypt this\nPLAIN=seen by all\nsecret=for some only\nsecret_suffix=x\n# leave this\nnumber=5\n";
    assert_eq!(world.read("/run/secrets/plain"), whole);
}

#[test]
fn a_value_with_line_feeds_stays_the_value_of_one_variable_of_a_template() {
    let Some(world) = World::system() else { return };
    let (lines, file) = (world.fixture("lines.bin"), world.fixture("nesting.json"));
    let text = format!(
        "# A comment.\n\n  LINES=<{}>\nURL=a#'b {}\n",
        token("lines"),
        token("password")
    );
    let manifest = world
        .manifest()
        .secret("lines", &lines, "")
        .secret("password", &file, "database/users/admin/password")
        .template("sh.env", &text, json!({"as": "sh"}));
    world.install(&manifest);
    let read = ". /run/secrets/rendered/sh.env; printf '%s|%s' \"$LINES\" \"$URL\"";
    assert_eq!(world.shell(read), "<a\r\nb\n\n>|a#'b correct horse battery staple");
    let before = world.read("/run/secrets/rendered/sh.env");
    assert_eq!(before, "LINES='<a\r\nb\n\n>'\nURL='a#'\\''b correct horse battery staple'\n");
}

#[test]
fn what_the_reader_cannot_hold_is_refused_by_its_name_and_nothing_changes() {
    let Some(world) = World::system() else { return };
    let lines = world.fixture("lines.bin");
    let good = world.manifest().secret("lines", &lines, "");
    world.install(&good);
    for (content, said) in [
        (
            format!("A=1\nKEY={}\n", token("lines")),
            "the variable \"KEY\" has a line feed, which docker cannot read",
        ),
        (
            format!("A=1\nA={}\n", token("lines")),
            "the variable \"A\" is there more than once",
        ),
        (token("lines"), "line 1 is neither a comment nor a variable"),
        ("A-B=1\n".to_owned(), "the variable \"A-B\" has a name of other characters"),
        (
            format!("A=\"{}\"\n", token("lines")),
            "the variable \"A\" has quotes around its value in the template, which would become a part of it",
        ),
    ] {
        let manifest = world
            .manifest()
            .secret("lines", &lines, "")
            .template("t", &content, json!({"as": "docker-env"}));
        let run = world.run(&manifest);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains(&format!("template \"t\": {said}")), "{run:?}");
    }
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
}

/// A shell does not give back what it sets itself, and bash ends at some of these names. What it does give back has other names.
#[test]
fn the_names_of_a_shell_are_refused_for_a_shell_alone() {
    let Some(world) = World::system() else { return };
    let manifest = |form: &str, name: &str| {
        let content = format!("{name}=a5\r\nLAST=b\r\n");
        world.manifest().template("t", &content, json!({"as": form}))
    };
    for name in ["UID", "RANDOM", "OPTIND", "_"] {
        world.install(&manifest("systemd-env", name));
        let run = world.run(&manifest("sh", name));
        assert_eq!(run.code, Some(1), "{run:?}");
        let said = format!("template \"t\": the variable \"{name}\" is one that a shell sets itself; use another name\n");
        assert!(run.err.contains(&said), "{run:?}");
    }
    // Line ends of another system are no part of a value.
    world.install(&manifest("sh", "FIRST"));
    for shell in ["sh", "bash --posix"] {
        let read = format!("{shell} -c '. /run/secrets/rendered/t; echo $FIRST$LAST'");
        assert_eq!(world.shell(&read), "a5b\n");
    }
}

#[test]
fn the_limit_of_all_templates_counts_what_is_written() {
    let Some(world) = World::system() else { return };
    // Each quote takes four characters in a shell.
    let line = |number| format!("A{number}=x{}\n", "'".repeat(100 << 10));
    let content: String = (0..6).map(line).collect();
    let manifest = |form: &str| {
        world
            .manifest()
            .with("maxSize", 1)
            .template("t", &content, json!({"as": form}))
    };
    world.install(&manifest("systemd-env"));
    let run = world.run(&manifest("sh"));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("more than 1 MiB of templates"), "{run:?}");
}

/// The manifest says which units read a file by `EnvironmentFile=`. The values that systemd would change are the secret ones, so that only
/// their names are told.
#[test]
fn what_systemd_would_change_is_named_and_installed_all_the_same() {
    let Some(world) = World::system() else { return };
    let (env, lines) = (world.fixture("plain.env"), world.fixture("lines.bin"));
    let units = json!({"environmentFileOf": ["app.service"]});
    let manifest = world
        .manifest()
        .with("version", 1)
        .secret_with("app.env", &env, "", units.clone())
        .secret("lines", &lines, "")
        .template("t", &format!("A=1\nLINES={}\n", token("lines")), units);
    for _ in 0..2 {
        let said = world.install(&manifest);
        assert_eq!(
            said.err,
            "warning: template \"t\": systemd would change the variable \"LINES\" (EnvironmentFile= of app.service); set \"as\" to \
             \"systemd-env\", and write values without quotes\n\
             warning: secret \"app.env\": systemd would change the variables \"QUOTED\", \"SINGLE\", \"ESCAPED\", \"BLANKS\", \
             \"export EXPORTED\", \"lower.case-key\", \"LAST\" (EnvironmentFile= of app.service); set \"as\" to \"systemd-env\", and \
             write values without quotes\n"
        );
    }
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
    assert!(world.read("/run/secrets/app.env").contains("QUOTED=\"kept as it is\"\n"));
}

/// What is kept may be from a time when the secret was no file of variables. Then what stands before a `=` is a part of the value.
#[test]
fn nothing_of_a_live_value_that_is_kept_is_told() {
    let Some(world) = World::system() else { return };
    let manifest = |file: &Path| {
        let options = json!({"environmentFileOf": ["app.service"], "onFailure": "keep"});
        world.manifest().with("version", 1).secret_with("app.env", file, "", options)
    };
    world.install(&manifest(&world.fixture("plain.env")));
    world.shell("printf 'of another form==' > /run/secrets/app.env");
    let said = world.run(&manifest(&world.write("broken.env", "A=1\n")));
    assert_eq!(world.read("/run/secrets/app.env"), "of another form==");
    assert!(said.told.contains("app.env"), "{}", said.told);
    assert!(!said.told.contains("of another form"), "{}", said.told);
}

#[test]
fn a_line_end_at_the_end_of_a_secret_is_no_change_but_one_within_a_value_is() {
    let Some(world) = World::system() else { return };
    let strings = world.fixture("strings.yaml");
    let said = |content: &str| {
        let units = json!({"environmentFileOf": ["app.service"]});
        let manifest = world
            .manifest()
            .secret("text", &strings, "ends_in_newlines")
            .template("t", content, units);
        world.install(&manifest).err
    };
    let token = token("text");
    for content in [
        format!("A={token}\n"),
        format!("A=\"{token}\"\nB='{token}'\n"),
        format!("# {token}\n;\nA=1"),
    ] {
        assert_eq!(said(&content), "", "{content}");
    }
    assert!(said(&format!("A={token}/db\nB=1\n")).contains("systemd would change the variable \"A\" ("));
}

#[test]
fn the_value_of_a_mock_is_written_for_the_reader_of_the_secret() {
    let Some(world) = World::system() else { return };
    let (nowhere, given) = (Path::new("/nowhere/app.env"), "A=x y\nB=it's a\\nb\n# c\n");
    let manifest = world
        .manifest()
        .with("version", 1)
        .with("mock", true)
        .secret_with("dummy", nowhere, "", json!({"as": "systemd-env"}))
        .secret_with("given", nowhere, "", json!({"as": "sh", "mockValue": given}))
        .without("ageKeyFile");
    world.install(&manifest);
    assert_eq!(world.read("/run/secrets/dummy"), "MOCK=\"MOCK-dummy\"\n");
    assert_eq!(world.read("/run/secrets/given"), "A='x y'\nB='it'\\''s a\nb'\n");
    assert_eq!(
        world.shell(". /run/secrets/given; printf '%s|%s' \"$A\" \"$B\""),
        "x y|it's a\nb"
    );
}
