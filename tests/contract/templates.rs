//! Tests of templates.

use serde_json::json;

use crate::common::{World, token};

#[test]
fn every_token_becomes_its_secret_byte_for_byte() {
    let Some(world) = World::system() else { return };
    let (file, bytes) = (world.fixture("nesting.json"), world.fixture("bytes.bin"));
    let text = format!("p={}\r\n{1}{1}|{2}|", token("password"), token("n"), token("bytes"));
    let manifest = world
        .manifest()
        .secret("password", &file, "database/users/admin/password")
        .secret("n", &file, "a/b/c/n")
        .secret("bytes", &bytes, "")
        .template("deep/t.conf", &text, json!({}));
    world.install(&manifest);
    let rendered = std::fs::read(world.path("/run/secrets.d/1/rendered/deep/t.conf")).unwrap();
    let plain = std::fs::read(crate::common::fixtures().join("plain/bytes.bin")).unwrap();
    assert!(std::str::from_utf8(&plain).is_err(), "the fixture is not UTF-8");
    let expected = [b"p=correct horse battery staple\r\n55|".as_slice(), &plain, b"|"].concat();
    assert_eq!(rendered.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn a_value_that_contains_a_token_is_not_expanded_again() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    // The value of the secret `password` is the placeholder of `host`. A second pass would replace it by the value of `host`.
    let mut manifest = world
        .manifest()
        .secret("password", &file, "database/users/admin/password")
        .secret("host", &file, "database/host")
        .template("t", &token("password"), json!({}));
    manifest.value()["placeholderBySecretName"]["host"] = json!("correct horse battery staple");
    world.install(&manifest);
    assert_eq!(world.read("/run/secrets/rendered/t"), "correct horse battery staple");
}

#[test]
fn a_file_goes_before_the_content() {
    let Some(world) = World::system() else { return };
    let file = world.write("t.conf", "from the file");
    let manifest = world
        .manifest()
        .template("both", "from the content", json!({"file": file}))
        .template("file", "", json!({"file": file}))
        .template("content", "from the content", json!({"file": ""}));
    world.install(&manifest);
    assert_eq!(
        world.shell("cd /run/secrets/rendered; grep '' *"),
        "both:from the file\ncontent:from the content\nfile:from the file\n"
    );
}

#[test]
fn a_token_that_no_secret_owns_is_an_error_that_names_template_and_token() {
    let Some(world) = World::system() else { return };
    let text = format!("first\nx = {}\n", token("nobody"));
    let manifest = world.manifest().template("good.conf", "x", json!({}));
    let said = world.run(&manifest.template("app.conf", &text, json!({})));
    let token = token("nobody");
    assert_eq!(said.code, Some(3));
    assert_eq!(
        said.err,
        format!(
            "error: template \"app.conf\": line 2 contains the placeholder {token}, but no secret of this manifest has that placeholder; \
             declare the secret, and rebuild\n\
             error: published 1 of 2 in /run/secrets, without: app.conf; repair the faults named above, and run: /run/current-system/activate\n"
        )
    );
}

#[test]
fn a_template_whose_secret_failed_is_not_installed() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = world
        .manifest()
        .secret("good", &file, "database/host")
        .secret("bad", &file, "database/missing")
        .template("with-good", &token("good"), json!({}))
        .template("with-bad", &format!("{} {}", token("good"), token("bad")), json!({}));
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(3));
    assert!(
        said.err
            .contains("error: template \"with-bad\": it needs secret \"bad\", which failed\n"),
        "{}",
        said.err
    );
    assert_eq!(
        world.shell("ls /run/secrets /run/secrets/rendered"),
        "/run/secrets:\ngood\nrendered\n\n/run/secrets/rendered:\nwith-good\n"
    );
}
