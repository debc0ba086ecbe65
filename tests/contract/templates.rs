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
fn a_filter_writes_a_secret_in_the_language_of_the_template() {
    let Some(world) = World::system() else { return };
    let (file, lines) = (world.fixture("nesting.json"), world.fixture("lines.bin"));
    let stem = token("lines").replace(":PLACEHOLDER>", "");
    let by_name = "{\"p\": @sops:db/password|json@, \"q\": \"@sops:lines|json@\"}\n";
    let by_hash = format!("{{\"p\":\"@sops:db/password@\",\"q\":\"{stem}:json:PLACEHOLDER>\"}}\n");
    let manifest = world
        .manifest()
        .with("version", 1)
        .secret("db/password", &file, "database/users/admin/password")
        .secret("lines", &lines, "")
        .template("by-name.json", "", json!({"file": world.write("by-name", by_name)}))
        .template("by-hash.json", &by_hash, json!({}))
        .template("words", "set -- @sops:lines|sh@ \"<\"@sops:lines|sh@\">\"", json!({}))
        .template("block.yaml", "lines: |+\n  @sops:lines|indent-2@", json!({}))
        .template(
            "app.env",
            "P=<@sops:db/password@>\nQ=@sops:lines|base64@\n",
            json!({"as": "sh"}),
        );
    world.install(&manifest);
    for name in ["by-name", "by-hash"] {
        let parsed: serde_json::Value = serde_json::from_str(&world.read(&format!("/run/secrets/rendered/{name}.json"))).unwrap();
        assert_eq!(parsed, json!({"p": "correct horse battery staple", "q": "a\r\nb\n\n"}));
    }
    let words = world.shell(". /run/secrets/rendered/words; printf '%s|%s' \"$@\"");
    assert_eq!(words, "a\r\nb\n\n|<a\r\nb\n\n>");
    assert_eq!(world.read("/run/secrets/rendered/block.yaml"), "lines: |+\n  a\r\n  b\n\n");
    assert_eq!(
        world.read("/run/secrets/rendered/app.env"),
        "P='<correct horse battery staple>'\nQ='YQ0KYgoK'\n"
    );
}

#[test]
fn a_manifest_of_sops_nix_has_neither_names_nor_filters() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let text = "@sops:host@ @sops:host|json@ @sops:nobody@ \"@sops:x|y@\"";
    let manifest = world
        .manifest()
        .secret("host", &file, "database/host")
        .template("t", text, json!({}));
    world.install(&manifest);
    assert_eq!(world.read("/run/secrets/rendered/t"), text);
}

#[test]
fn a_value_that_probably_breaks_a_string_is_warned_of_by_its_name() {
    let Some(world) = World::system() else { return };
    let (file, lines) = (world.fixture("nesting.json"), world.fixture("lines.bin"));
    let text = "{\"a\": \"@sops:lines@\", \"b\": \"@sops:host@\", \"c\": \"@sops:lines|json@\"}";
    let manifest = world
        .manifest()
        .secret("lines", &lines, "")
        .secret("host", &file, "database/host")
        .template("app.json", text, json!({}));
    let said = world.run(&manifest.clone().with("version", 1));
    assert_eq!(
        said.err,
        "warning: template \"app.json\": between quotes, there is a quote, a backslash or a line end of \"lines\"; \
         use a filter between double quotes, such as @sops:lines|json@\n"
    );
    assert_eq!(said.code, Some(0));
}

#[test]
fn the_build_finds_names_and_filters_that_are_not_there() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = |content: &str| {
        world
            .manifest()
            .with("version", 1)
            .secret("host", &file, "database/host")
            .template("t", content, json!({}))
    };
    for mode in ["-check-mode=manifest", "-check-mode=sopsfile"] {
        let check = |manifest: &crate::common::Manifest| {
            let path = world.save(manifest);
            world.run_arguments([mode.as_ref(), path.as_os_str()])
        };
        for good in ["@sops:host@", "\"@sops:host|json@\"", "x@sops: y@"] {
            let said = check(&manifest(good));
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{good}");
        }
        for (bad, line) in [
            (
                "\n@sops:hots@",
                "line 2 contains the placeholder @sops:hots@, but this manifest has no secret \"hots\"; declare the secret, or write host",
            ),
            (
                "@sops:host|jsn@",
                "line 1 contains the placeholder @sops:host|jsn@, but there is no filter \"jsn\"; the filters are ",
            ),
            (
                "'@sops:host|json@'",
                "secret \"host\" with the filter json is between single quotes, which know no escapes; ",
            ),
        ] {
            let said = check(&manifest(bad));
            assert_eq!(said.code, Some(1), "{bad}");
            assert!(
                said.err.starts_with(&format!("error: template \"t\": {line}")),
                "{}",
                said.err
            );
        }
        // The file of a template that is on another machine says nothing, nor does a manifest of sops-nix.
        let of_file =
            |file: &std::path::Path| manifest("x").with("templates", json!([{"name": "t", "mode": "0400", "file": file}]));
        assert_eq!(check(&of_file("/nowhere/t".as_ref())).code, Some(0));
        assert_eq!(check(&of_file(&world.write("t.conf", "@sops:hots@"))).code, Some(1));
        assert_eq!(check(&manifest("@sops:hots@").without("version")).code, Some(0));
    }
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
