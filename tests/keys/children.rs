//! Tests what the programs that a run starts are told, and what they are not told.

use serde_json::{Value, json};

use crate::common::{Call, World, has, secret_in};
use crate::fixture;
use crate::host::{Host, plugin_identity};

/// A host that has a key in a variable, and that also needs every kind of program. Its unit reports to systemd.
fn host() -> Host {
    let identity = std::fs::read_to_string(fixture("keys/hybrid.txt")).unwrap();
    Host::new()
        .variable("SOPS_AGE_KEY", identity.lines().last().unwrap())
        .variable("NOTIFY_SOCKET", "/nowhere/notify")
        .variable("AWS_SECRET_ACCESS_KEY", "half")
        .variable("VAULT_TOKEN", "hvs.token")
        .age("plugin.txt")
        .gnupg("pgp_curve25519.asc")
        .input("age", "keys/other-age.txt")
        .variable("SOPS_AGE_KEY_CMD", "sh -c 'cat $DIR/age'")
        .input("ssh", "keys/ssh_ed25519")
        .variable("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "head -c 10000 $DIR/ssh")
}

/// Key services that are asked by a program that is never needed here. `hides`: whether plugins do without credentials for them.
fn key_services(hides: bool) -> Value {
    json!({"program": "/nowhere", "hideCredentials": hides})
}

/// The name of a program that was started.
fn name(call: &Call) -> String {
    let path = call.paths().first().cloned().unwrap_or_default();
    path.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn no_program_that_is_started_finds_a_key_in_its_environment_or_arguments() {
    assert_nothing_is_found(&host(), false);
    let hiding = host().field("version", 1).field("keyServices", key_services(true));
    assert_nothing_is_found(&hiding, true);
}

/// `hides`: whether plugins do without what identifies the host to key services. gpg does without it always.
fn assert_nothing_is_found(host: &Host, hides: bool) {
    if !has("strace") {
        return;
    }
    // The program hides its memory from other users, so only root's strace can see the arguments of calls.
    let Some(host) = World::system().and_then(|world| host.ready_in(world)) else {
        return;
    };
    let files = [
        "to-hybrid.yaml",
        "to-plugin.yaml",
        "to-pgp-curve25519.yaml",
        "to-other.yaml",
        "to-native-ed25519.yaml",
    ];
    let host = host.with_files(&files.map(fixture));
    // strace shows all strings in full, with the environments.
    let (said, calls) = host.trace(&["-v", "-s", "100000", "-e", "trace=execve"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let started: Vec<_> = calls.iter().filter(|call| call.succeeded()).collect();
    let (program, children) = started.split_first().unwrap();
    assert!(program.arguments.contains("\"SOPS_AGE_KEY=AGE-SECRET-KEY-"), "{program:?}");
    assert!(program.arguments.contains("\"NOTIFY_SOCKET="), "{program:?}");
    for expected in ["sh", "cat", "head", "age-plugin-test", "gpgconf", "gpg-agent", "gpg"] {
        assert!(
            children.iter().any(|call| name(call) == expected),
            "{expected} was not started"
        );
    }
    for call in children {
        assert!(call.arguments.contains("\"PATH="), "no environment is seen: {call:?}");
        assert!(!call.arguments.contains("SOPS_AGE_KEY="), "{}", name(call));
        assert!(!call.arguments.contains("NOTIFY_SOCKET="), "{}", name(call));
        assert_eq!(secret_in(&call.arguments), None, "{}", name(call));
        // A key command or a plugin may need them to ask a service for the key.
        let name = name(call);
        let is_given = match name.as_str() {
            "sh" | "cat" | "head" => true,
            gpg if gpg.starts_with("gpg") || ["keyboxd", "scdaemon"].contains(&gpg) => false,
            "age-plugin-test" => !hides,
            // What the plugin starts.
            _ if !hides => continue,
            _ => false,
        };
        for credential in ["AWS_SECRET_ACCESS_KEY=", "VAULT_TOKEN="] {
            assert_eq!(call.arguments.contains(credential), is_given, "{credential} of {name}");
        }
    }
}

#[test]
fn a_plugin_that_fails_without_the_credentials_is_told_with_their_names() {
    let host = Host::new()
        .variable("VAULT_TOKEN", "hvs.token")
        .variable("AWS_SESSION_TOKEN", "session")
        .identity(&plugin_identity("fixtures", &["exit 7"]))
        .field("version", 1);
    let note = |hides| {
        let host = host.clone().field("keyServices", key_services(hides)).ready()?;
        let said = host.with_files(&[fixture("to-plugin.yaml")]).run();
        assert_eq!(said.code, Some(1), "{said:?}");
        let row = said.err.lines().find(|line| line.contains("  age1test1"))?.to_owned();
        Some(row.split_once("  (")?.1.to_owned())
    };
    let failed = "age-plugin-test ended with status 7 before it was done";
    assert_eq!(note(false), Some(format!("{failed})")));
    let hint = "if it needs them, set sops.keyServices.hideCredentials to false";
    let hidden = "it did not get AWS_SESSION_TOKEN and VAULT_TOKEN";
    assert_eq!(note(true), Some(format!("{failed}; {hidden}: {hint})")));
}
