//! Selection rules that are made to take long.

use crate::{bounded::run, common::World};

/// None of these matches what was encrypted, also because a pattern that is too large counts as one that does not compile. So the
/// tokens count as they stand, and the MAC is another.
#[test]
fn a_regular_expression_cannot_blow_up() {
    let world = World::user();
    for (what, pattern) in [
        ("nested repetitions", "(((a{1000}){1000}){1000}){1000}".to_owned()),
        ("backtracking", "^(x+x+)+y$".to_owned()),
        ("deep groups", "(".repeat(100_000) + &")".repeat(100_000)),
        ("many branches", vec!["elsewhere"; 100_000].join("|")),
        ("a class of everything", "x[^a]{1000}".repeat(100)),
    ] {
        let file = world.damaged("encrypted-regex.yaml", "regex.yaml", "^secret", &pattern);
        let manifest = world.manifest().secret("s", &file, "secret");
        let ended = run(&world, &format!("regex: {what}"), &manifest, 256);
        let message = ended.err.lines().next().unwrap_or_default();
        let expected = "error: cannot decrypt $DIR/regex.yaml (needed by secret s): the MAC does not match: the file was changed after \
            sops wrote it; restore it from version control, or check the change and run: sops edit --ignore-mac";
        assert_eq!((ended.code, message), (Some(1), expected), "{what}");
    }
}
