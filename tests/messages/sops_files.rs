//! Messages about sops files that cannot be used, and about missing values.

use std::fs;

use expect_test::expect;
use serde_json::json;

use crate::common::{World, token};
use crate::{dry, paragraph};

/// The output of a dry run, for one secret of a file.
fn says(world: &World, what: &str, file: &std::path::Path, format: &str, key: &str) -> String {
    // There is also a good secret, so that not all secrets fail.
    let good = world.fixture("lines.bin");
    let manifest = world
        .manifest()
        .secret_with("s", file, key, json!({"format": format}))
        .secret("good", &good, "");
    let said = dry(world, &manifest);
    assert_eq!(said.code, Some(3), "{what}: {said:?}");
    paragraph(what, &said)
}

/// Nobody made an interrupted copy on purpose, so the message must not say how to accept a change. In dotenv and INI, the lines
/// have no order. So nothing shows that whole lines are missing, and a message to a recipient may be the text that is cut off.
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
        // After the MAC, YAML needs no further text.
        let last = content.rfind("type:str]").unwrap();
        for end in (metadata..last).step_by(23).filter(needed) {
            let cut = world.write("cut", &content.as_bytes()[..end]);
            let said = says(&world, name, &cut, format, "");
            let is_message = format != "yaml" && said.contains("this file can be opened by");
            assert!(
                said.contains("its end") && said.contains("is missing") || is_message,
                "{name} up to {end}: {said}"
            );
            assert!(!said.contains("--ignore-mac"), "{name} up to {end}: {said}");
        }
    }
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
    expect![[r##"
        # templates: 3
        warning: template "no-file-but-content": cannot read its file $DIR/absent.conf: no such file, so the field "content" is used instead
        error: secret "bad" from $DIR/nesting.json: the key "database/nothing-like-it" does not exist; correct the key; to add it to the file, run: sops edit $DIR/nesting.json
        error: template "left-over": line 3 contains the placeholder <SOPS:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa:PLACEHOLDER>, but no secret of this manifest has that placeholder; declare the secret, and rebuild
        error: template "needs-bad": it needs secret "bad", which failed
        error: template "no-file": cannot read its file $DIR/absent.conf: no such file
        error: template "directory": cannot read its file $DIR/: it is a directory, not a file

        # a secret of another manifest: 3
        warning: template "no-file-but-content": cannot read its file $DIR/absent.conf: no such file, so the field "content" is used instead
        error: secret "bad" from $DIR/nesting.json: the key "database/nothing-like-it" does not exist; correct the key; to add it to the file, run: sops edit $DIR/nesting.json
        error: template "left-over": it needs secret "early", which this manifest does not install; declare that secret without neededForUsers
        error: template "needs-bad": it needs secret "bad", which failed
        error: template "no-file": cannot read its file $DIR/absent.conf: no such file
        error: template "directory": cannot read its file $DIR/: it is a directory, not a file

    "##]].assert_eq(&text);
}
