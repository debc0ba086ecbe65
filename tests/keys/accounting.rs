//! Tests which programs are started, and how often: no program without need, and no program twice.

use std::fs;
use std::path::PathBuf;

use crate::common::{World, has};
use crate::host::{Host, Ready};
use crate::{FORMATS, fixture};

/// All fixtures with many recipients.
fn mixed(stem: &str) -> Vec<PathBuf> {
    FORMATS.iter().map(|format| fixture(&format!("{stem}.{format}"))).collect()
}

/// A host with twenty copies of a file.
fn with_twenty(host: Ready, file: &str) -> Ready {
    let text = fs::read(fixture(file)).unwrap();
    let copies: Vec<_> = (0..20)
        .map(|number| host.world.write(&format!("{number}.yaml"), &text))
        .collect();
    host.with_files(&copies)
}

/// Adds a plugin and gpg to a host with other keys.
fn with_programs(host: Host) -> Option<Ready> {
    if !has("strace") {
        return None;
    }
    // The program hides its memory from other users, so only root's strace can see the arguments of calls.
    host.age("plugin.txt").gnupg("pgp.asc").ready_in(World::system()?)
}

/// How often a program was started whose name begins with `name`.
fn count(started: &[String], name: &str) -> usize {
    started.iter().filter(|started| started.starts_with(name)).count()
}

/// A key command that records the recipient for which it was run, and prints its key.
const NOTING: &str = "sh -c 'echo $SOPS_AGE_RECIPIENT >> $DIR/asked; cat $DIR/printed'";

/// The recipients for which the key command was run.
fn asked(host: &Ready) -> Vec<String> {
    let text = fs::read_to_string(host.world.input("asked")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn no_program_is_started_where_a_key_at_hand_opens_the_file() {
    let local = [
        (Host::new().age("age.txt"), "to-mixed"),
        (Host::new().age("hybrid.txt"), "to-mixed"),
        (Host::new().ssh("keys/ssh_ed25519"), "to-mixed"),
        (Host::new().ssh("keys/ssh_rsa"), "to-mixed"),
        (Host::new().ssh("keys/ssh_rsa"), "to-mixed-hidden"),
        (Host::new().age("age.txt").age("hybrid.txt"), "to-groups-mixed"),
        (Host::new().age("age.txt").ssh("keys/ssh_rsa"), "to-groups-hidden"),
    ];
    for (host, files) in local {
        let host = host
            .input("printed", "keys/other-age.txt")
            .variable("SOPS_AGE_KEY_CMD", NOTING);
        let Some(host) = with_programs(host) else { return };
        let host = host.with_files(&mixed(files));
        let (said, started) = host.started();
        assert_eq!(said.code, Some(0), "{files}: {said:?}");
        assert_eq!(asked(&host), Vec::<String>::new(), "{files}");
        for program in ["gpg", "age-plugin", "sh"] {
            assert_eq!(count(&started, program), 0, "{files}: {started:?}");
        }
    }
}

#[test]
fn a_damaged_value_starts_no_program_where_a_key_at_hand_gave_the_data_key() {
    let Some(host) = with_programs(Host::new().age("age.txt")) else {
        return;
    };
    let damaged = host.world.altered("to-mixed.json", "damaged.json", "host");
    let (said, started) = host.with_files([&damaged]).started();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("the key \"database/host\": the value does not authenticate"),
        "{said:?}"
    );
    assert_eq!((count(&started, "gpg"), count(&started, "age-plugin")), (0, 0), "{started:?}");
}

#[test]
fn a_plugin_is_started_once_for_twenty_files_and_gpg_not_where_it_opens_them() {
    let Some(host) = with_programs(Host::new()) else { return };
    let (said, started) = with_twenty(host, "to-mixed.yaml").started();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((count(&started, "age-plugin"), count(&started, "gpg")), (1, 0), "{started:?}");
}

#[test]
fn gpg_is_started_for_what_the_plugin_leaves_closed_alone() {
    let Some(host) = with_programs(Host::new()) else { return };
    let (said, started) = host
        .with_files(&mixed("to-mixed"))
        .with_files([&fixture("to-pgp.yaml")])
        .started();
    assert_eq!(said.code, Some(0), "{said:?}");
    let exactly = |name: &str| started.iter().filter(|started| *started == name).count();
    let all = ["age-plugin-test", "gpg", "gpgconf", "gpg-agent"].map(exactly);
    assert_eq!(all, [1, 1, 1, 1], "{started:?}");
}

#[test]
fn a_key_command_is_run_once_for_each_recipient_that_is_still_closed() {
    let host = Host::new()
        .input("printed", "keys/other-age.txt")
        .variable("SOPS_AGE_KEY_CMD", NOTING);
    let host = host
        .ready()
        .unwrap()
        .with_files(&mixed("to-mixed"))
        .with_files(&mixed("to-plugin"));
    let said = host.run_dry();
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut asked = asked(&host);
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!((asked.len(), count), (6, 6), "{asked:?}");
}

#[test]
fn a_key_command_that_gave_the_key_of_twenty_files_was_run_once() {
    for (file, key, variable) in [
        ("nesting.yaml", "keys/age.txt", "SOPS_AGE_KEY_CMD"),
        ("to-native-ed25519.yaml", "keys/ssh_ed25519", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"),
    ] {
        let host = Host::new().input("printed", key).variable(variable, NOTING).ready().unwrap();
        let host = with_twenty(host, file);
        let said = host.run();
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(asked(&host).len(), 1, "{variable}");
    }
}

#[test]
fn key_files_are_opened_once_for_twenty_files() {
    if !has("strace") {
        return;
    }
    let host = Host::new().age("age.txt").ssh("keys/ssh_ed25519").ssh("keys/ssh_rsa");
    let host = host
        .field("ageKeyCredential", "key")
        .input("credentials/key", "keys/other-age.txt");
    let host = host.variable("CREDENTIALS_DIRECTORY", "$DIR/credentials");
    let Some(world) = World::system() else { return };
    let host = host.ready_in(world).unwrap();
    let host = with_twenty(host, "to-many.yaml");
    let (said, calls) = host.trace(&["-y", "-s", "300", "-e", "trace=open,openat,openat2"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for key in ["keys.txt", "ssh_ed25519", "ssh_rsa", "credentials/key"] {
        let path = host.world.input(key).display().to_string();
        let opened = calls.iter().filter(|call| call.succeeded() && call.paths().contains(&path));
        assert_eq!(opened.count(), 1, "{key}");
    }
}
