//! Tests what the programs that a run starts are told, and what they are not told.

use crate::common::{Call, World, has, secret_in};
use crate::fixture;
use crate::host::Host;

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

/// The name of a program that was started.
fn name(call: &Call) -> String {
    let path = call.paths().first().cloned().unwrap_or_default();
    path.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn no_program_that_is_started_finds_a_key_in_its_environment_or_arguments() {
    if !has("strace") {
        return;
    }
    // The program hides its memory from other users, so only root's strace can see the arguments of calls.
    let Some(host) = World::system().and_then(|world| host().ready_in(world)) else {
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
        // A key command may need them to ask a service for the key.
        let is_of_command = ["sh", "cat", "head"].contains(&name(call).as_str());
        for credential in ["AWS_SECRET_ACCESS_KEY=", "VAULT_TOKEN="] {
            assert_eq!(
                call.arguments.contains(credential),
                is_of_command,
                "{credential} of {}",
                name(call)
            );
        }
    }
}
