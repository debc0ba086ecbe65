//! Selection rules that are made to take long.

use crate::{
    bounded::run,
    common::World,
};

/// A pattern that is too large counts for nothing, as one that does not compile, so what is not encrypted stays so; the file says
/// otherwise and does not open.
#[test]
fn a_regular_expression_cannot_blow_up() {
    let world = World::user();
    for (what, pattern) in [
        ("nested repetitions", "(((a{1000}){1000}){1000}){1000}".to_owned()),
        ("backtracking", "^(x+x+)+y$".to_owned()),
        ("deep groups", "(".repeat(100_000) + &")".repeat(100_000)),
        ("many branches", vec!["secret"; 100_000].join("|")),
        ("a class of everything", "[^a]{1000}".repeat(100)),
    ] {
        let file = world.damaged("encrypted-regex.yaml", "regex.yaml", "^secret", &pattern);
        let manifest = world.manifest().secret("s", &file, "secret");
        let ended = run(&world, &format!("regex: {what}"), &manifest, 256);
        let message = ended.err.lines().next().unwrap_or_default();
        assert!(ended.code == Some(1) && message.starts_with("error: cannot "), "{message}");
    }
}
