//! Selection rules that are made to take long.

use std::fs;

use serde_json::json;

use crate::{
    bounded::run,
    common::World,
    files::{manifest, with_keys},
    inputs::Inputs,
};

/// The error after the selection rule was changed. Tokens that the new rule does not select then count as plain text for the MAC,
/// so the MAC differs.
const CHANGED: &str = "error: cannot decrypt $DIR/regex.yaml (needed by secret s): the MAC does not match";
const TOO_LONG: &str =
    "is a pattern that takes too long to match; restore the file from version control, or choose a simpler pattern";
const TOO_LARGE: &str = "is a pattern that is too large; restore the file from version control, or choose a simpler pattern";

#[test]
fn a_regular_expression_cannot_blow_up() {
    let world = World::user();
    let too_large = format!(
        "error: cannot use $DIR/regex.yaml (needed by secret s) as a sops file: \"encrypted_regex\" in the sops metadata {TOO_LARGE}"
    );
    for (what, pattern, expected) in [
        ("nested repetitions", "(((a{1000}){1000}){1000}){1000}".to_owned(), CHANGED),
        ("backtracking", "^(x+x+)+y$".to_owned(), CHANGED),
        ("deep groups", "(".repeat(10_000) + &")".repeat(10_000), CHANGED),
        ("very deep groups", "(".repeat(100_000) + &")".repeat(100_000), &too_large),
        ("many branches", vec!["elsewhere"; 100_000].join("|"), &too_large),
        ("a class of everything", "x[^a]{1000}".repeat(100), &too_large),
    ] {
        let file = world.damaged("encrypted-regex.yaml", "regex.yaml", "^secret", &pattern);
        let manifest = world.manifest().secret("s", &file, "secret");
        let ended = run(&world, &format!("regex: {what}"), &manifest, 256);
        let message = ended.err.lines().next().unwrap_or_default();
        assert!(ended.code == Some(1) && message.starts_with(expected), "{what}: {message}");
    }
}

/// The key is a megabyte of text with which an automaton enters a new state at each byte.
#[test]
fn a_key_cannot_take_long_to_be_judged() {
    let mut state = 1_u64;
    let letters = (0..1 << 20).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if state >> 62 & 1 == 0 { 'a' } else { 'b' }
    });
    let lines = format!("? {}\n: 0\n", letters.collect::<String>());
    let message = first_line(
        "regex: states without end",
        ("unencrypted_regex", "(a|b)*a(a|b){1000}c"),
        &lines,
    );
    let expected = format!(
        "error: cannot decrypt $DIR/keys.yaml (needed by secret s): \"unencrypted_regex\" in the sops metadata {TOO_LONG}"
    );
    assert_eq!(message, expected);
}

/// Takes a file that the key of `inputs` opens, inserts `lines`, and replaces the selection rule. Returns the first line of the
/// error.
fn first_line(what: &str, (rule, pattern): (&str, &str), lines: &str) -> String {
    let world = World::user();
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let file = with_keys(&world, &mut inputs, "yaml", 1);
    let text = fs::read_to_string(&file).unwrap();
    let old = "\"unencrypted_suffix\":\"_unencrypted\"";
    assert!(text.contains(old));
    let new = format!("{}:{}", json!(rule), json!(pattern));
    let file = world.write("keys.yaml", lines.to_owned() + &text.replace(old, &new));
    let manifest = manifest(&world, &inputs).secret("s", &file, "k0_unencrypted");
    let ended = run(&world, what, &manifest, 512);
    assert_eq!(ended.code, Some(1), "{what}");
    ended.err.lines().next().unwrap_or_default().to_owned()
}

/// Each token is authenticated together with the whole key below which it stands.
#[test]
fn values_below_a_very_long_key_are_not_all_authenticated() {
    let token = format!(
        "ENC[AES256_GCM,data:AAAA,iv:{},tag:{}==,type:comment]",
        "A".repeat(43) + "=",
        "A".repeat(22)
    );
    let lines = format!("? {}\n:\n{}", "k".repeat(100_000), format!("  #{token}\n  - ~\n").repeat(100));
    let message = first_line("a long key over many tokens", ("encrypted_regex", "k"), &lines);
    let expected = "error: cannot decrypt $DIR/keys.yaml (needed by secret s): its keys are so long that \
        decryption would take too much time; restore the file from version control, or shorten the keys";
    assert_eq!(message, expected);
}
