//! Tests what secrets are transformed into: the published bytes, by the programs that read them.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::common::{Manifest, World, has, token};

const RECIPIENT: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";

/// A sops file with these values, encrypted by sops.
fn file(world: &World, name: &str, values: &Value) -> PathBuf {
    let file = world.write(name, values.to_string());
    world.shell(&format!("sops encrypt --age {RECIPIENT} --in-place '{}'", file.display()));
    file
}

fn hosted(world: &World) -> Manifest {
    world
        .manifest()
        .without("logging")
        .with("version", 1)
        .with("hostName", "web1")
}

/// What crypt(3) makes of a password with the settings of a hash: the hash itself, if it is one of that password.
fn crypted(world: &World, password: &str, hash: &str) -> String {
    world.shell(&format!("perl -e 'print crypt($ARGV[0], $ARGV[1])' '{password}' '{hash}'"))
}

#[test]
fn hashes_open_with_the_password_of_the_file_and_stay_the_same_from_run_to_run() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let values = json!({"password": "correct horse", "typed": "correct horse\n", "text": "Y29ycmVjdA==\n"});
    let values = file(&world, "values.json", &values);
    let secret = |manifest: Manifest, name: &str, key: &str, transform: &str| {
        manifest.secret_with(name, &values, key, json!({"transform": transform}))
    };
    let manifest = hosted(&world);
    let manifest = secret(manifest, "six", "password", "sha512-crypt");
    let manifest = secret(manifest, "yes", "password", "yescrypt");
    let manifest = secret(manifest, "line", "password", "htpasswd:alice");
    let manifest = secret(manifest, "other", "typed", "htpasswd:bob");
    let manifest = secret(manifest, "decoded", "text", "base64-decode");
    let manifest = manifest.template("htpasswd", &format!("{}{}", token("line"), token("other")), json!({}));
    let manifest = manifest.secret_with(
        "cut",
        &values,
        "password",
        json!({"transform": "htpasswd:alice", "trim": "newline"}),
    );
    world.install(&manifest);

    let read = |name: &str| world.read(&format!("/run/secrets/{name}"));
    for (name, prefix) in [("six", "$6$"), ("yes", "$y$j9T$")] {
        let hash = read(name);
        assert!(hash.starts_with(prefix), "{name}");
        assert_eq!(crypted(&world, "correct horse", &hash), hash);
        assert_ne!(crypted(&world, "correct horse.", &hash), hash);
    }
    for (name, user) in [("line", "alice"), ("other", "bob")] {
        let line = read(name);
        let hash = line.strip_prefix(&format!("{user}:")).unwrap().strip_suffix('\n').unwrap();
        assert!(hash.starts_with("$2y$05$"));
        assert_eq!(crypted(&world, "correct horse", hash), hash);
    }
    // The salts differ, although the password is the same.
    let salt = |name: &str| read(name).split('$').nth(3).unwrap()[..22].to_owned();
    assert_ne!(salt("line"), salt("other"));
    assert_ne!(salt("line"), salt("cut"));
    assert!(!read("cut").ends_with('\n'));
    assert_eq!(read("decoded"), "correct");
    assert_eq!(read("rendered/htpasswd"), read("line") + &read("other"));

    let said = world.install(&manifest);
    assert_eq!(
        (said.out.as_str(), world.shell("readlink /run/secrets").as_str()),
        ("", "/run/secrets.d/1\n")
    );
    world.assert_no_leak();
}

/// The data key stays when the recipients change, and so does the hash. A new data key, another host, another name and another
/// value make another hash.
#[test]
fn a_hash_lasts_as_long_as_the_data_key_and_belongs_to_one_secret_of_one_host() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let values = file(
        &world,
        "values.json",
        &json!({"password": "correct horse", "twin": "correct horse"}),
    );
    let hash = |manifest: Manifest, name: &str, key: &str| {
        world.install(&manifest.secret_with(name, &values, key, json!({"transform": "sha512-crypt"})));
        world.read(&format!("/run/secrets/{name}"))
    };
    let config = world.write(".sops.yaml", "");
    let sops = |arguments: &str| {
        let identity = world.fixture("keys/age.txt");
        world.shell(&format!(
            "SOPS_AGE_KEY_FILE='{}' sops --config '{}' {arguments} '{}'",
            identity.display(),
            config.display(),
            values.display()
        ));
    };
    let first = hash(hosted(&world), "s", "password");
    let mut all = vec![first.clone()];
    all.push(hash(hosted(&world), "t", "password"));
    all.push(hash(hosted(&world).with("hostName", "web2"), "s", "password"));
    all.push(hash(hosted(&world).without("hostName"), "s", "password"));
    // The same name and the same value under another key.
    assert_eq!(hash(hosted(&world), "s", "twin"), first);

    let other = "age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05";
    world.write(".sops.yaml", format!("creation_rules: [{{age: '{RECIPIENT},{other}'}}]\n"));
    sops("updatekeys --yes");
    assert!(std::fs::read_to_string(&values).unwrap().contains(other));
    assert_eq!(hash(hosted(&world), "s", "password"), first);
    sops("rotate --in-place");
    all.push(hash(hosted(&world), "s", "password"));
    for hash in &all {
        assert_eq!(&crypted(&world, "correct horse", hash), hash);
        assert_eq!(all.iter().filter(|other| *other == hash).count(), 1, "{all:?}");
    }
}

#[test]
fn a_value_that_is_no_password_fails_alone_and_is_not_shown() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let values = json!({"empty": "", "lines": "one\n!two", "nul": "a\u{0}b", "long": "x".repeat(73), "longest": "x".repeat(512), "good": "y".repeat(72)});
    let values = file(&world, "values.json", &values);
    let secret = |manifest: Manifest, key: &str, transform: &str| {
        manifest.secret_with(key, &values, key, json!({"transform": transform, "onFailure": "skip"}))
    };
    let manifest = secret(hosted(&world), "empty", "yescrypt");
    let manifest = secret(manifest, "lines", "base64-decode");
    let manifest = secret(manifest, "nul", "sha512-crypt");
    let manifest = secret(manifest, "long", "htpasswd:alice");
    let manifest = secret(manifest, "longest", "yescrypt");
    let said = world.run(&secret(manifest, "good", "htpasswd:alice"));
    assert_eq!(said.code, Some(3));
    let first: Vec<_> = said.err.lines().take(5).collect();
    let expected = [
        (
            "empty",
            "the value is empty, and a hash of it would let in whoever gives no password",
        ),
        ("lines", "the value is not Base64, which transform decodes"),
        ("nul", "the value has a NUL byte, at which a password ends"),
        ("long", "the value is longer than 72 bytes, the most that bcrypt counts"),
        ("longest", "the value is longer than 511 bytes, the most that crypt counts"),
    ];
    let expected = expected.map(|(name, fault)| {
        format!("error: secret \"{name}\" from $DIR/values.json: {fault}; to correct it, run: sops edit $DIR/values.json")
    });
    assert_eq!(first, expected);
    assert_eq!(world.shell("ls /run/secrets"), "good\n");
}

/// The dummy, or what the configuration says in its place, is the password.
#[test]
fn a_mock_is_opened_by_its_dummies() {
    let Some(world) = World::system() else { return };
    let nowhere = PathBuf::from("/nowhere/a.yaml");
    let secret = |manifest: Manifest, name: &str, fields| manifest.secret_with(name, &nowhere, "k", fields);
    let manifest = hosted(&world).with("mock", true);
    let manifest = secret(manifest, "alice", json!({"transform": "yescrypt"}));
    let manifest = secret(manifest, "bob", json!({"transform": "sha512-crypt", "mockValue": "test\n"}));
    let manifest = secret(manifest, "text", json!({"transform": "base64-decode"}));
    let manifest = secret(manifest, "given", json!({"transform": "base64-decode", "mockValue": "Zg=="}));
    let long = "n".repeat(100);
    let manifest = secret(manifest, &long, json!({"transform": "htpasswd:carol"}));
    world.install(&manifest);
    let line = world.read(&format!("/run/secrets/{long}"));
    let hash = line.strip_prefix("carol:").unwrap().trim_end();
    assert_eq!(crypted(&world, &format!("MOCK-{long}")[..72], hash), hash);
    for (name, password) in [("alice", "MOCK-alice"), ("bob", "test")] {
        let hash = world.read(&format!("/run/secrets/{name}"));
        assert_eq!(crypted(&world, password, &hash), hash);
    }
    assert_eq!(world.read("/run/secrets/text"), "MOCK-text");
    assert_eq!(world.read("/run/secrets/given"), "f");
    let said = world.install(&manifest);
    assert_eq!(
        (said.out.as_str(), world.shell("readlink /run/secrets").as_str()),
        ("", "/run/secrets.d/1\n")
    );
}

/// The manifest may have opened the file to others when it got a hash: the password itself must not come there.
#[test]
fn a_password_that_is_live_is_not_kept_in_the_place_of_its_hash() {
    if !has("sops") {
        return;
    }
    let Some(world) = World::system() else { return };
    let values = file(&world, "values.json", &json!({"password": "correct horse", "other": "x"}));
    let manifest = |fields: Value, other: &str| {
        let manifest = hosted(&world).secret_with("pw", &values, "password", fields);
        let manifest = manifest.secret_with("other", &values, other, json!({}));
        manifest.template("t", &token("pw"), json!({"mode": "0644"}))
    };
    let hashed = json!({"transform": "htpasswd:alice", "onFailure": "keep", "mode": "0444"});
    world.install(&manifest(json!({}), "other"));
    assert_eq!(world.read("/run/secrets/pw"), "correct horse");

    // The value is none that the hash takes, so the secret fails.
    world.shell(&format!(
        "SOPS_AGE_KEY_FILE='{}' sops set '{}' '[\"password\"]' '\"correct\\nhorse\"'",
        world.fixture("keys/age.txt").display(),
        values.display()
    ));
    let said = world.run(&manifest(hashed.clone(), "other"));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(world.shell("cd /run/secrets; find . -type f"), "./other\n");

    // A hash that is live is kept.
    world.shell(&format!(
        "SOPS_AGE_KEY_FILE='{}' sops set '{}' '[\"password\"]' '\"correct horse\"'",
        world.fixture("keys/age.txt").display(),
        values.display()
    ));
    world.install(&manifest(hashed.clone(), "other"));
    let line = world.read("/run/secrets/pw");
    assert!(line.starts_with("alice:$2y$05$"));
    world.shell(&format!(
        "SOPS_AGE_KEY_FILE='{}' sops set '{}' '[\"password\"]' '\"\"'",
        world.fixture("keys/age.txt").display(),
        values.display()
    ));
    let said = world.run(&manifest(hashed, "other"));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(world.read("/run/secrets/pw"), line);
    assert_eq!(world.read("/run/secrets/rendered/t"), line);
}

/// sops spells `017` as `15`, and nobody types that.
#[test]
fn a_value_that_is_no_string_is_not_transformed_and_the_build_says_so() {
    let Some(world) = World::system() else { return };
    let types = world.fixture("types.json");
    for (key, found) in [("int", "an integer"), ("float", "a float"), ("bool_true", "a boolean")] {
        let manifest = hosted(&world).secret_with("s", &types, key, json!({"transform": "sha512-crypt"}));
        let fault = format!(
            "secret \"s\" from $DIR/types.json: the key \"{key}\" is {found}, and a transform takes a string; sops may have changed its spelling: to write it anew in quotes, run: sops edit $DIR/types.json"
        );
        let said = world.run(&manifest);
        assert!(said.err.contains(&fault), "{said:?}");
        let checked = world.run_with(&manifest, |command| command.arg("-check-mode=sopsfile"));
        assert_eq!(checked.code, Some(1));
        assert!(checked.err.contains(&fault), "{checked:?}");
    }
}
