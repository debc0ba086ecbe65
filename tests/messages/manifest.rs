//! Manifests that cannot be read, or ask for what cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use expect_test::expect;
use serde_json::{Value, json};

use crate::common::{Manifest, Said, World};
use crate::paragraph;

#[test]
fn a_manifest_that_cannot_be_read_is_named_with_the_cause() {
    let world = World::user();
    let run = |path: &std::path::Path| world.run_arguments([path]);
    let mut text = paragraph("missing", &run(&world.input("absent.json")));
    text += &paragraph("a directory", &run(&world.input("home")));
    world.shell(&format!("mkfifo {}", world.input("run/fifo").display()));
    text += &paragraph("a fifo", &run(&world.input("run/fifo")));
    let closed = world.write("closed.json", "{}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    text += &paragraph("unreadable", &run(&closed));
    for (what, content) in [
        ("empty", ""),
        ("no JSON", "secrets: []\n"),
        ("cut off", "{\"secrets\": [{\"name\": \"a\""),
        ("a list", "[]"),
        ("something behind it", "{} {}"),
        ("a text for a list", "{\"secrets\": \"x\"}"),
        (
            "a number for a mode",
            "{\n  \"secrets\": [{\"name\": \"a\", \"mode\": 400}]\n}",
        ),
        ("a text for a number", "{\"keepGenerations\": \"1\"}"),
        ("a fraction", "{\"keepGenerations\": 1.5}"),
        ("a field twice", "{\"userMode\": true, \"userMode\": false}"),
        ("no UTF-8", "{\"symlinkPath\": \"\u{fffd}\"}"),
    ] {
        let mut content = content.as_bytes().to_vec();
        if what == "no UTF-8" {
            content[17] = 0xff;
        }
        text += &paragraph(what, &run(&world.write("bad.json", content)));
    }
    expect![[r#"
        # missing: 2
        error: cannot read the manifest $DIR/absent.json: no such file

        # a directory: 2
        error: cannot read the manifest $DIR/home: a directory, not a regular file

        # a fifo: 2
        error: cannot read the manifest $DIR/run/fifo: a fifo, not a regular file

        # unreadable: 2
        error: cannot read the manifest $DIR/closed.json: permission denied

        # empty: 2
        error: cannot read the manifest $DIR/bad.json: it ends too early, at line 1 column 0

        # no JSON: 2
        error: cannot read the manifest $DIR/bad.json: it is not valid JSON: expected value at line 1 column 1

        # cut off: 2
        error: cannot read the manifest $DIR/bad.json: it ends too early, at line 1 column 25

        # a list: 2
        error: cannot read the manifest $DIR/bad.json: it has the wrong type, at line 1 column 0

        # something behind it: 2
        error: cannot read the manifest $DIR/bad.json: it is not valid JSON: trailing characters at line 1 column 4

        # a text for a list: 2
        error: cannot read the manifest $DIR/bad.json: secrets has the wrong type, at line 1 column 15: expected a list

        # a number for a mode: 2
        error: cannot read the manifest $DIR/bad.json: secrets[0].mode has the wrong type, at line 2 column 39: expected a string

        # a text for a number: 2
        error: cannot read the manifest $DIR/bad.json: keepGenerations has the wrong type, at line 1 column 23: expected a whole number

        # a fraction: 2
        error: cannot read the manifest $DIR/bad.json: keepGenerations has the wrong type, at line 1 column 23: expected a whole number

        # a field twice: 2
        error: cannot read the manifest $DIR/bad.json: the field userMode is given twice, at line 1 column 29; remove one of the two

        # no UTF-8: 2
        error: cannot read the manifest $DIR/bad.json: it is not valid JSON: invalid unicode code point at line 1 column 18

    "#]]
    .assert_eq(&text);
}

/// A manifest of system mode in which nothing is wrong.
fn sound(world: &World) -> Manifest {
    let file = world.fixture("nesting.json");
    Manifest::new()
        .with("secretsMountPoint", "/run/secrets.d")
        .with("symlinkPath", "/run/secrets")
        .secret("a", &file, "database/host")
}

/// Reads and validates a manifest, and does nothing else.
fn check(world: &World, manifest: &Manifest) -> Said {
    let path = world.save(manifest);
    world.run_arguments(["-check-mode=manifest".as_ref(), path.as_os_str()])
}

/// A change to the sound manifest for each finding.
fn findings(world: &World) -> Vec<(&'static str, Manifest)> {
    let (json, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    let with = |fields: Value| sound(world).secret_with("s", &json, "x", fields);
    let template = |fields: Value| sound(world).template("t", "x", fields);
    vec![
        ("nothing", sound(world)),
        ("a version of the future", sound(world).with("version", 2)),
        (
            "an unknown field",
            sound(world).with("keepGeneration", 1).with("somethingNew", json!({})),
        ),
        ("an unknown field of a secret", with(json!({"restartUnit": ["a.service"]}))),
        ("an unknown field of a template", template(json!({"contents": "x"}))),
        (
            "an unknown field of logging",
            sound(world).with("logging", json!({"secretChange": true})),
        ),
        ("no mount point", sound(world).without("secretsMountPoint")),
        ("no link", sound(world).without("symlinkPath")),
        (
            "a relative mount point",
            sound(world).with("secretsMountPoint", "run/secrets.d"),
        ),
        ("a link that climbs", sound(world).with("symlinkPath", "/run/x/../secrets")),
        ("the root as link", sound(world).with("symlinkPath", "/")),
        (
            "a link among the generations",
            sound(world).with("symlinkPath", "/run/secrets.d/link"),
        ),
        ("a negative keepGenerations", sound(world).with("keepGenerations", -1)),
        ("a mode that is not octal", with(json!({"mode": "0800"}))),
        ("a mode of letters", with(json!({"mode": "u=r"}))),
        ("an empty mode", with(json!({"mode": ""}))),
        ("a mode with a sign", with(json!({"mode": "+400"}))),
        ("a mode above 07777", with(json!({"mode": "17777"}))),
        ("an empty name", with(json!({"name": ""}))),
        ("an absolute name", with(json!({"name": "/etc/x"}))),
        ("a name that climbs", with(json!({"name": "a/../../x"}))),
        ("a name with a dot", with(json!({"name": "./x"}))),
        ("a name with a NUL", with(json!({"name": "a\0b"}))),
        ("a name with an escape sequence", with(json!({"name": "\u{1b}[31m/../x"}))),
        ("a name with an empty part", with(json!({"name": "a//b"}))),
        ("a name that is too long", with(json!({"name": "x".repeat(256)}))),
        ("the name of a template", template(json!({"name": "../t"}))),
        ("no sops file", with(json!({"sopsFile": ""}))),
        ("an unknown format", with(json!({"format": "toml"}))),
        ("one file in two formats", with(json!({"format": "binary"}))),
        ("two of one name", sound(world).secret("a", &text, "")),
        (
            "two templates of one name",
            sound(world).template("t", "x", json!({})).template("t", "y", json!({})),
        ),
        ("a beside a/b", sound(world).secret("a/b", &json, "x")),
        (
            "templates a beside a/b",
            sound(world).template("t", "x", json!({})).template("t/u", "y", json!({})),
        ),
        (
            "a secret where a template lands",
            sound(world).secret("rendered/t", &json, "x").template("t", "x", json!({})),
        ),
        (
            "a secret where templates land",
            sound(world).secret("rendered", &json, "x").template("t", "x", json!({})),
        ),
        (
            "two at one path",
            with(json!({"path": "/etc/x"})).template("t", "x", json!({"path": "/etc/./x"})),
        ),
        ("the place of another as path", with(json!({"path": "/run/secrets/a"}))),
        (
            "a path below another",
            with(json!({"path": "/etc/x"})).template("t", "x", json!({"path": "/etc/x/y"})),
        ),
        ("a path below the place of another", with(json!({"path": "/run/secrets/a/b"}))),
        ("a path among the generations", with(json!({"path": "/run/secrets.d/x"}))),
        ("the link as path", with(json!({"path": "/run/secrets"}))),
        ("a relative path", with(json!({"path": "x"}))),
        ("a path that climbs", with(json!({"path": "/etc/../x"}))),
        (
            "gnupgHome beside sshKeyPaths",
            sound(world).with("gnupgHome", "/g").with("sshKeyPaths", json!(["/k"])),
        ),
        (
            "gnupgHome beside ageKeyFile",
            sound(world).with("gnupgHome", "/g").with("ageKeyFile", "/k"),
        ),
        ("a template of nothing", template(json!({"content": ""}))),
        (
            "null for a user and a group",
            with(json!({"uid": null, "gid": null})).template("t", "x", json!({"owner": null, "uid": null})),
        ),
        (
            "null for the numbers of those with names",
            with(json!({"owner": "alice", "uid": null, "group": "web", "gid": null})),
        ),
        ("null for the names alone", with(json!({"owner": null, "group": null}))),
        ("a negative uid", with(json!({"uid": -1}))),
        ("a gid of 32 bits, all set", with(json!({"gid": 4_294_967_295_u32}))),
        (
            "a unit that is an option",
            with(json!({"restartUnits": ["--now", "a.service"]})),
        ),
        (
            "a unit with a line break",
            with(json!({"reloadUnits": ["a.service\nb.service"]})),
        ),
        ("an empty unit", template(json!({"restartUnits": [""]}))),
        (
            "an empty placeholder",
            sound(world).with("placeholderBySecretName", json!({"a": ""})),
        ),
        (
            "one placeholder for two",
            sound(world).with("placeholderBySecretName", json!({"a": "<x>", "b": "<x>"})),
        ),
    ]
}

#[test]
fn each_finding_has_its_message_as_a_warning_or_an_error() {
    let world = World::user();
    let text: String = findings(&world)
        .iter()
        .map(|(what, manifest)| paragraph(what, &check(&world, manifest)))
        .collect();
    expect![[r##"
        # nothing: 0

        # a version of the future: 2
        error: the manifest $DIR/manifest.json is not valid:
          version 2 is not known, only 1 is; install the sops-install-secrets that belongs to the Nix module

        # an unknown field: 0
        warning: the manifest has fields that this version does not know and ignores: keepGeneration, somethingNew

        # an unknown field of a secret: 0
        warning: the manifest has fields that this version does not know and ignores: restartUnit

        # an unknown field of a template: 0
        warning: the manifest has fields that this version does not know and ignores: contents

        # an unknown field of logging: 0
        warning: the manifest has fields that this version does not know and ignores: secretChange

        # no mount point: 2
        error: the manifest $DIR/manifest.json is not valid:
          secretsMountPoint is missing

        # no link: 2
        error: the manifest $DIR/manifest.json is not valid:
          symlinkPath is missing

        # a relative mount point: 2
        error: the manifest $DIR/manifest.json is not valid:
          secretsMountPoint is run/secrets.d, which is not an absolute path

        # a link that climbs: 0
        warning: symlinkPath is /run/x/../secrets, which contains ..; each .. takes the part before it away

        # the root as link: 2
        error: the manifest $DIR/manifest.json is not valid:
          symlinkPath is /, which is not an absolute path

        # a link among the generations: 2
        error: the manifest $DIR/manifest.json is not valid:
          symlinkPath /run/secrets.d/link and secretsMountPoint /run/secrets.d lie in each other; choose two paths side by side

        # a negative keepGenerations: 2
        error: the manifest $DIR/manifest.json is not valid:
          keepGenerations is -1, which is below 0

        # a mode that is not octal: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has mode 0800, which is not an octal number such as 0400

        # a mode of letters: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has mode "u=r", which is not an octal number such as 0400

        # an empty mode: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has mode "", which is not an octal number such as 0400

        # a mode with a sign: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has mode +400, which is not an octal number such as 0400

        # a mode above 07777: 0
        warning: secret s has mode 17777, which is above 07777; its lower bits count

        # an empty name: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret "" is empty; choose a relative path such as db/password

        # an absolute name: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret /etc/x is absolute; choose a relative path such as db/password

        # a name that climbs: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret a/../../x contains . or .. as a part; choose a relative path such as db/password
          secret a would be both a file and the directory that holds secret a/../../x; rename one

        # a name with a dot: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret ./x contains . or .. as a part; choose a relative path such as db/password

        # a name with a NUL: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret "a\0b" contains a NUL; choose a relative path such as db/password

        # a name with an escape sequence: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret "\u{1b}[31m/../x" contains a control character; choose a relative path such as db/password

        # a name with an empty part: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret a//b contains an empty part; choose a relative path such as db/password
          secret a would be both a file and the directory that holds secret a//b; rename one

        # a name that is too long: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of secret xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx contains a part of more than 255 bytes; choose a relative path such as db/password

        # the name of a template: 2
        error: the manifest $DIR/manifest.json is not valid:
          the name of template ../t contains . or .. as a part; choose a relative path such as db/password

        # no sops file: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has no sopsFile

        # an unknown format: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the unknown format toml; known are yaml, json, binary, dotenv and ini
          $DIR/nesting.json is declared as json by secret a and as yaml by secret s

        # one file in two formats: 2
        error: the manifest $DIR/manifest.json is not valid:
          $DIR/nesting.json is declared as json by secret a and as binary by secret s

        # two of one name: 0
        warning: secret a is declared 2 times; the last one counts

        # two templates of one name: 0
        warning: template t is declared 2 times; the last one counts

        # a beside a/b: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret a would be both a file and the directory that holds secret a/b; rename one

        # templates a beside a/b: 2
        error: the manifest $DIR/manifest.json is not valid:
          template t would be both a file and the directory that holds template t/u; rename one

        # a secret where a template lands: 0
        warning: secret rendered/t and template t are in one place, rendered/t; the last one counts

        # a secret where templates land: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret rendered would be both a file and the directory that holds template t; rename one

        # two at one path: 0
        warning: secret s and template t are both at /etc/x; choose another path; template t counts

        # the place of another as path: 0
        warning: secret s and secret a are both at /run/secrets/a; choose another path; secret a counts

        # a path below another: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the path /etc/x, which template t stands in the way of

        # a path below the place of another: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the path /run/secrets/a/b, which secret a stands in the way of

        # a path among the generations: 0
        warning: secret s has the path /run/secrets.d/x, which is among the generations; choose another; until then the link is made beside them

        # the link as path: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the path /run/secrets, which belongs to the generations; choose another

        # a relative path: 2
        error: the manifest $DIR/manifest.json is not valid:
          path of secret s is x, which is not an absolute path

        # a path that climbs: 0
        warning: path of secret s is /etc/../x, which contains ..; each .. takes the part before it away

        # gnupgHome beside sshKeyPaths: 2
        error: the manifest $DIR/manifest.json is not valid:
          gnupgHome excludes sshKeyPaths; set sops.gnupg.sshKeyPaths = [ ] or leave sops.gnupg.home unset

        # gnupgHome beside ageKeyFile: 2
        error: the manifest $DIR/manifest.json is not valid:
          gnupgHome excludes ageKeyFile; leave sops.age.keyFile or sops.gnupg.home unset

        # a template of nothing: 2
        error: the manifest $DIR/manifest.json is not valid:
          template t has neither content nor file

        # null for a user and a group: 0
        warning: secret s has neither owner nor uid, both are null; set one of them; it is root's
        warning: secret s has neither group nor gid, both are null; set one of them; it is root's
        warning: template t has neither owner nor uid, both are null; set one of them; it is root's

        # null for the numbers of those with names: 0

        # null for the names alone: 0

        # a negative uid: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has uid -1, which is not between 0 and 4294967294

        # a gid of 32 bits, all set: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has gid 4294967295, which is not between 0 and 4294967294

        # a unit that is an option: 0
        warning: secret s names --now in restartUnits, which cannot be a unit; it is left out

        # a unit with a line break: 0
        warning: secret s names "a.service\nb.service" in reloadUnits, which cannot be a unit; it is left out

        # an empty unit: 0
        warning: template t names "" in restartUnits, which cannot be a unit; it is left out

        # an empty placeholder: 0
        warning: the placeholder of secret a is empty; it is never replaced

        # one placeholder for two: 2
        error: the manifest $DIR/manifest.json is not valid:
          secrets a and b have one placeholder, "<x>"

    "##]].assert_eq(&text);
}

#[test]
fn with_a_version_every_finding_is_an_error() {
    let world = World::user();
    let text: String = findings(&world)
        .into_iter()
        .filter(|(_, manifest)| check(&world, manifest).code == Some(0))
        .map(|(what, manifest)| paragraph(what, &check(&world, &manifest.with("version", 1))))
        .collect();
    expect![[r##"
        # nothing: 0

        # an unknown field: 2
        error: the manifest $DIR/manifest.json is not valid:
          the manifest has the unknown field keepGeneration; did you mean keepGenerations
          the manifest has the unknown field somethingNew

        # an unknown field of a secret: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the unknown field restartUnit; did you mean restartUnits

        # an unknown field of a template: 2
        error: the manifest $DIR/manifest.json is not valid:
          template t has the unknown field contents; did you mean content

        # an unknown field of logging: 2
        error: the manifest $DIR/manifest.json is not valid:
          logging has the unknown field secretChange; did you mean secretChanges

        # a link that climbs: 2
        error: the manifest $DIR/manifest.json is not valid:
          symlinkPath is /run/x/../secrets, which contains ..

        # a mode above 07777: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has mode 17777, which is above 07777

        # two of one name: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret a is declared 2 times

        # two templates of one name: 2
        error: the manifest $DIR/manifest.json is not valid:
          template t is declared 2 times

        # a secret where a template lands: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret rendered/t and template t are in one place, rendered/t

        # two at one path: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s and template t are both at /etc/x; choose another path

        # the place of another as path: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s and secret a are both at /run/secrets/a; choose another path

        # a path among the generations: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has the path /run/secrets.d/x, which is among the generations; choose another

        # a path that climbs: 2
        error: the manifest $DIR/manifest.json is not valid:
          path of secret s is /etc/../x, which contains ..

        # null for a user and a group: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s has neither owner nor uid, both are null; set one of them
          secret s has neither group nor gid, both are null; set one of them
          template t has neither owner nor uid, both are null; set one of them

        # null for the numbers of those with names: 0

        # null for the names alone: 0

        # a unit that is an option: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s names --now in restartUnits, which cannot be a unit

        # a unit with a line break: 2
        error: the manifest $DIR/manifest.json is not valid:
          secret s names "a.service\nb.service" in reloadUnits, which cannot be a unit

        # an empty unit: 2
        error: the manifest $DIR/manifest.json is not valid:
          template t names "" in restartUnits, which cannot be a unit

        # an empty placeholder: 2
        error: the manifest $DIR/manifest.json is not valid:
          the placeholder of secret a is empty

    "##]]
    .assert_eq(&text);
}

#[test]
fn all_findings_are_told_in_one_run() {
    let world = World::user();
    let file = world.fixture("nesting.json");
    let manifest = Manifest::new()
        .with("version", 1)
        .with("secretsMountPoint", "secrets.d")
        .with("gnupgHome", "/g")
        .with("ageKeyFile", "/k")
        .with("keepGeneration", 3)
        .secret_with("../x", &file, "x", json!({"mode": "9", "uid": -1, "restartUnits": ["-x"]}))
        .secret_with("a", &file, "x", json!({"format": "toml", "path": "x"}))
        .secret("a/b", &file, "x")
        .template("t", "", json!({"mode": ""}));
    expect![[r##"
        # many: 2
        error: the manifest $DIR/manifest.json is not valid:
          the manifest has the unknown field keepGeneration; did you mean keepGenerations
          secretsMountPoint is secrets.d, which is not an absolute path
          symlinkPath is missing
          gnupgHome excludes ageKeyFile; leave sops.age.keyFile or sops.gnupg.home unset
          the name of secret ../x contains . or .. as a part; choose a relative path such as db/password
          secret ../x has mode 9, which is not an octal number such as 0400
          secret ../x has uid -1, which is not between 0 and 4294967294
          secret ../x names -x in restartUnits, which cannot be a unit
          secret a has the unknown format toml; known are yaml, json, binary, dotenv and ini
          path of secret a is x, which is not an absolute path
          template t has neither content nor file
          template t has mode "", which is not an octal number such as 0400
          $DIR/nesting.json is declared as json by secret ../x and as yaml by secret a
          secret a would be both a file and the directory that holds secret a/b; rename one

    "##]]
    .assert_eq(&paragraph("many", &check(&world, &manifest)));
}
