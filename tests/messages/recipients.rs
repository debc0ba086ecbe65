//! Files that no key of the host opens.

use expect_test::expect;
use serde_json::json;

use crate::common::World;
use crate::{dry, paragraph};

/// What a dry run with this key file says about a secret of the fixture.
fn says(world: &World, what: &str, key: &str, file: &str) -> String {
    let manifest = world
        .manifest()
        .without("logging")
        .with("ageKeyFile", json!(world.fixture(&format!("keys/{key}"))))
        .secret("s", &world.fixture(file), "database/host");
    paragraph(what, &dry(world, &manifest))
}

#[test]
fn a_post_quantum_recipient_is_shown_by_its_ends_and_pasted_in_full() {
    let world = World::user();
    let key_file = std::fs::read_to_string(world.fixture("keys/hybrid.txt")).unwrap();
    let recipient = key_file.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let text = says(&world, "the host has it", "hybrid.txt", "to-other.yaml")
        + &says(&world, "the file has it", "age.txt", "to-hybrid.yaml");
    expect![[r#"
        # the host has it: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1pq1a6esfqqrz7fap…fgh92upe  from $DIR/hybrid.txt
          hint: add $RECIPIENT to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # the file has it: 1
        error: cannot decrypt $DIR/to-hybrid.yaml (needed by secret s)
          this file can be opened by
            age  age1pq1a6esfqqrz7fap…fgh92upe
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-hybrid.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

    "#]].assert_eq(&text.replace(recipient, "$RECIPIENT"));
}
