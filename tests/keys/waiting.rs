//! Tests what a run says while it waits for another program.

use crate::host::{Host, plugin_identity};

/// What the run says, without the warning about the directory of a plain user.
fn said(host: &Host, file: &str) -> Option<String> {
    let host = host.ready()?;
    let file = host.world.fixture(file);
    let said = host.with_files([&file]).run();
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = said.told.lines().filter(|line| !line.contains(" is on a disk, "));
    Some(lines.flat_map(|line| [line, "\n"]).collect())
}

#[test]
fn a_plugin_that_takes_long_is_named_with_the_file_that_it_is_asked_for() {
    let told = "waiting for age-plugin-test (if the key is on a token, touch the token), which is asked for the key of $DIR/to-plugin.yaml\n";
    for (seconds, expected) in [("4", told), ("0.1", "")] {
        let identity = plugin_identity("fixtures", &[&format!("rest {seconds}")]);
        let Some(said) = said(&Host::new().identity(&identity), "to-plugin.yaml") else {
            return;
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn a_key_command_that_takes_long_is_named() {
    let host = Host::new()
        .script("slow-key", "sleep 4; cat $DIR/printed")
        .printed("SOPS_AGE_KEY_CMD", "keys/age.txt")
        .variable("SOPS_AGE_KEY_CMD", "slow-key");
    let Some(said) = said(&host, "nesting.json") else { return };
    assert!(said.contains("waiting for the command in SOPS_AGE_KEY_CMD\n"), "{said}");
}
