//! Selection rules that are made to take long.

use crate::{bounded::run, common::World};

/// Of a rule that was changed the tokens that it does not select count as they stand, and the MAC is another.
const CHANGED: &str = "error: cannot decrypt $DIR/regex.yaml (needed by secret s): the MAC does not match";
const TOO_LONG: &str = "is a pattern that takes too long to match; choose a simpler one, or restore the file from version control";

#[test]
fn a_regular_expression_cannot_blow_up() {
    let world = World::user();
    let too_long = format!("error: cannot use $DIR/regex.yaml (needed by secret s) as a sops file: encrypted_regex {TOO_LONG}");
    for (what, pattern, expected) in [
        ("nested repetitions", "(((a{1000}){1000}){1000}){1000}".to_owned(), CHANGED),
        ("backtracking", "^(x+x+)+y$".to_owned(), CHANGED),
        ("deep groups", "(".repeat(10_000) + &")".repeat(10_000), CHANGED),
        ("very deep groups", "(".repeat(100_000) + &")".repeat(100_000), &too_long),
        ("many branches", vec!["elsewhere"; 100_000].join("|"), &too_long),
        ("a class of everything", "x[^a]{1000}".repeat(100), &too_long),
    ] {
        let file = world.damaged("encrypted-regex.yaml", "regex.yaml", "^secret", &pattern);
        let manifest = world.manifest().secret("s", &file, "secret");
        let ended = run(&world, &format!("regex: {what}"), &manifest, 256);
        let message = ended.err.lines().next().unwrap_or_default();
        assert!(ended.code == Some(1) && message.starts_with(expected), "{what}: {message}");
    }
}

/// A megabyte of text for which an automaton meets a new state with each byte.
#[test]
fn a_key_cannot_take_long_to_be_judged() {
    let (world, file) = file_of_leaves("regex.yaml", "unencrypted_regex", "(a|b)*a(a|b){100}c", |leaves| {
        let mut state = 1_u64;
        let letters = (0..1 << 20).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if state >> 62 & 1 == 0 { 'a' } else { 'b' }
        });
        format!("? {}\n: [{leaves}]\n", letters.collect::<String>())
    });
    let ended = run(&world, "regex: states without end", &world.manifest().secret("s", &file, "s"), 256);
    let expected = format!("error: cannot decrypt $DIR/regex.yaml (needed by secret s): unencrypted_regex {TOO_LONG}\n");
    assert!(ended.err.starts_with(&expected), "{}", ended.err);
}
