//! Long values, which are decoded while their file is read: they are published as sops decrypts them, wherever they stand.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{
    common::{Call, Manifest, World, has},
    side_by_side::guesses,
};

/// The recipient of the age key of the fixtures.
const RECIPIENT: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";

/// A world with sops, if there can be one.
fn world() -> Option<World> {
    has("sops").then(World::system).flatten()
}

/// A text of so many bytes.
fn long(length: usize) -> String {
    let mut text = String::new();
    for number in 0.. {
        let _ = write!(text, "{number} ");
        if text.len() >= length {
            break;
        }
    }
    text.truncate(length);
    text
}

/// Something that looks like an encrypted value with long data, and is none.
fn pretended() -> String {
    format!("ENC[AES256_GCM,data:{},iv:QUFB,tag:QUFB,type:str]", "abcd".repeat(75_000))
}

/// A file that sops encrypted.
fn encrypted(world: &World, name: &str, plain: &str, flags: &str) -> PathBuf {
    encrypted_to(RECIPIENT, world, name, plain, flags)
}

/// A file that sops encrypted to this recipient.
fn encrypted_to(recipient: &str, world: &World, name: &str, plain: &str, flags: &str) -> PathBuf {
    let file = world.write(name, plain);
    world.shell(&format!(
        "sops encrypt {flags} --age '{recipient}' --in-place '{}'",
        file.display()
    ));
    file
}

/// What sops decrypts.
fn decrypted(world: &World, file: &str) -> String {
    let key = world.fixture("keys/age.txt");
    world.shell(&format!("SOPS_AGE_KEY_FILE='{}' sops decrypt {file}", key.display()))
}

/// Installs `manifest`, and returns how often `file` is opened. A file is opened again if it cannot be used without its long values.
fn opened(world: &World, manifest: &Manifest, file: &Path) -> usize {
    let (said, calls) = world.trace(manifest, &["-y", "-s", "4096", "-e", "trace=open,openat,openat2"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let is_it = |call: &&Call| call.paths().iter().any(|path| path == file.to_str().unwrap());
    calls.iter().filter(is_it).count()
}

#[test]
fn a_long_value_of_each_format_is_published_as_sops_decrypts_it_and_its_file_is_read_once() {
    let Some(world) = world().filter(|_| has("strace")) else {
        return;
    };
    for (name, format, plain) in [
        (
            "a.yaml",
            "yaml",
            format!("a: {}\nb:\n  - {}\n  - short\n", long(300_000), long(300_001)),
        ),
        ("b.yaml", "yaml", format!("a: |\n  {}\n  {}\n", long(200_000), long(200_002))),
        (
            "c.json",
            "json",
            json!({"a": long(300_000), "b": [long(150_001), 7, long(300_002)]}).to_string(),
        ),
        (
            "d.env",
            "dotenv",
            format!("A={}\nB=short\nC={}\n", long(300_000), long(300_001)),
        ),
        ("e.ini", "ini", format!("[s]\na = {}\nb = short\n", long(300_001))),
        ("f.bin", "binary", long(400_000)),
    ] {
        let file = encrypted(&world, name, &plain, "");
        let manifest = world.manifest().without("logging");
        let manifest = manifest.secret_with("s", &file, "", json!({"format": format}));
        assert_eq!(opened(&world, &manifest, &file), 1, "{name}");
        let expected = decrypted(&world, &format!("'{}'", file.display()));
        assert!(world.read("/run/secrets/s") == expected, "{name}");
    }
}

#[test]
fn two_secrets_can_be_one_long_value() {
    let Some(world) = world() else { return };
    let plain = json!({"a": long(300_000), "b": long(300_001)}).to_string();
    let file = encrypted(&world, "two.json", &plain, "");
    let manifest = world.manifest().without("logging");
    world.install(
        &manifest
            .secret("x", &file, "a")
            .secret("y", &file, "a")
            .secret("z", &file, "b"),
    );
    let read = ["x", "y", "z"].map(|name| world.read(&format!("/run/secrets/{name}")));
    assert!(read == [long(300_000), long(300_000), long(300_001)]);
}

#[test]
fn what_only_looks_like_a_long_value_is_published_as_it_stands_after_a_second_reading() {
    let Some(world) = world().filter(|_| has("strace")) else {
        return;
    };
    let plain = json!({"a": long(300_000), "b_unencrypted": pretended()}).to_string();
    let in_the_clear = encrypted(&world, "clear.json", &plain, "--mac-only-encrypted");
    let commented = encrypted(&world, "comment.yaml", &format!("a: {}\n", long(300_000)), "");
    let text = fs::read_to_string(&commented).unwrap();
    fs::write(&commented, format!("#{}\n{text}", pretended())).unwrap();
    for file in [in_the_clear, commented] {
        let manifest = world.manifest().without("logging").secret("s", &file, "");
        assert_eq!(opened(&world, &manifest, &file), 2, "{file:?}");
        let expected = decrypted(&world, &format!("'{}'", file.display()));
        assert!(expected.contains(&pretended()));
        assert!(world.read("/run/secrets/s") == expected, "{file:?}");
    }
}

#[test]
fn the_keys_are_tried_once_even_if_a_file_is_read_twice() {
    let Some(world) = world() else { return };
    let recipient = fs::read_to_string(world.fixture("keys/ssh_rsa.pub")).unwrap();
    let plain = json!({"a": "short", "b_unencrypted": pretended()}).to_string();
    // sops would take the commas in the comment for further recipients.
    let (recipient, _comment) = recipient.split_once(" TEST KEY").unwrap();
    let file = encrypted_to(recipient, &world, "twice.json", &plain, "--mac-only-encrypted");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, guesses(&text)).unwrap();
    let manifest = world.manifest().without("ageKeyFile").without("logging");
    let manifest = manifest.with("ageSshKeyPaths", json!([world.fixture("keys/ssh_rsa")]));
    world.install(&manifest.secret("a", &file, "a"));
    assert_eq!(world.read("/run/secrets/a"), "short");
}

#[test]
fn a_long_value_that_was_changed_is_refused_like_a_short_one() {
    let Some(world) = world() else { return };
    let file = encrypted(&world, "changed.json", &json!({"a": long(300_000)}).to_string(), "");
    let text = fs::read_to_string(&file).unwrap();
    let at = 200_000;
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    let not_authentic = "the key \"a\": the value does not authenticate: it was changed or moved after sops encrypted it";
    let not_base64 = "the key \"a\": the data of the encrypted value is not Base64";
    for (changed, expected) in [
        ([&text[..at], other, &text[at + 1..]].concat(), not_authentic),
        ([&text[..at], &text[at + 4..]].concat(), not_authentic),
        ([&text[..at], &text[at + 1..]].concat(), not_base64),
        ([&text[..at], "*", &text[at + 1..]].concat(), not_base64),
        (text[..at].to_owned(), "its end is missing"),
    ] {
        fs::write(&file, changed).unwrap();
        let said = world.run(&world.manifest().secret("s", &file, "a"));
        assert_eq!(said.code, Some(1), "{expected}: {}", said.err);
        assert!(said.err.contains(expected), "{expected}: {}", said.err);
    }
}

/// The text behind `start` in `text`, up to the next `end`.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, behind) = text.split_once(start).unwrap();
    behind.split_once(end).unwrap().0
}

#[test]
fn the_tag_of_a_value_never_replaces_long_data_that_are_not_base64() {
    let Some(world) = world() else { return };
    let file = encrypted(&world, "tag.json", &json!({"a": "short"}).to_string(), "");
    let text = fs::read_to_string(&file).unwrap();
    let (data, tag) = (between(&text, "data:", ","), between(&text, "tag:", ","));
    let [sealed, end] = [data, tag].map(|field| BASE64_STANDARD.decode(field).unwrap());
    let both = BASE64_STANDARD.encode([sealed, end].concat());
    let changed = text.replacen(data, &("abcd".repeat(75_000) + "A"), 1).replacen(tag, &both, 1);
    fs::write(&file, changed).unwrap();
    let said = world.run(&world.manifest().secret("s", &file, "a"));
    let expected = "the key \"a\": the data of the encrypted value is not Base64";
    assert!(said.code == Some(1) && said.err.contains(expected), "{}", said.err);
}

#[test]
fn a_mac_that_became_long_does_not_authenticate() {
    let Some(world) = world() else { return };
    let file = encrypted(&world, "mac.json", &json!({"a": long(300_000)}).to_string(), "");
    let text = fs::read_to_string(&file).unwrap();
    let mac = between(&text, "\"mac\": \"ENC[AES256_GCM,data:", ",");
    fs::write(&file, text.replacen(mac, &"abcd".repeat(75_000), 1)).unwrap();
    let said = world.run(&world.manifest().secret("s", &file, "a"));
    let expected = "the MAC does not authenticate: the metadata was changed after sops wrote it";
    assert!(said.code == Some(1) && said.err.contains(expected), "{}", said.err);
}

#[test]
fn a_rule_about_comments_reads_a_long_comment_as_it_is_stored() {
    let Some(world) = world() else { return };
    let plain = format!("# {}\na: short\n", long(300_000));
    let file = world.write("rule.yaml", &plain);
    let rules = json!({"creation_rules": [{"age": RECIPIENT, "unencrypted_comment_regex": "no match"}]});
    let config = world.write("rules.yaml", rules.to_string());
    let (at, by) = (file.display(), config.display());
    world.shell(&format!("sops --config '{by}' encrypt --in-place '{at}'"));
    // sops writes no file whose comments match only when they are encrypted, so the rule is changed by hand.
    let stored = fs::read_to_string(&file).unwrap().replace("no match", "zz");
    assert!(between(&stored, "data:", ",").contains("zz"));
    fs::write(&file, stored).unwrap();
    let key = world.fixture("keys/age.txt");
    world.shell(&format!(
        "if SOPS_AGE_KEY_FILE='{}' sops decrypt '{at}' >/dev/null 2>&1; then exit 1; fi",
        key.display()
    ));
    let said = world.run(&world.manifest().secret("s", &file, "a"));
    assert_eq!(said.code, Some(1), "{}", said.err);
}
