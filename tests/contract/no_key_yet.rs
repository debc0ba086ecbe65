//! Tests the state of a host that never had a key, and that every doubt about it is a failure.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::common::{Manifest, Said, World};

/// A host that has never had a key, in a directory of its own: `lib` is where its key would be, and `var` is beside its store.
struct Host(World);

impl Host {
    /// `None` if it cannot be made here.
    fn new() -> Option<Self> {
        let host = Self(World::system().filter(World::is_on_disk)?);
        host.0.allow_input("lib");
        host.0.write("lib/other", "");
        host.0.write("var/other", "");
        Some(host)
    }

    fn key(&self) -> PathBuf {
        self.0.input("lib/sops-nix/key.txt")
    }

    fn manifest(&self) -> Manifest {
        self.0
            .manifest()
            .with("version", 1)
            .with("ageKeyFile", self.key().to_str().unwrap())
            .secret("db", &self.0.fixture("nesting.json"), "database/host")
    }

    fn variables<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("SOPS_NIX_HISTORY", self.0.input("var/history"))
            .env("SOPS_NIX_MAY_LACK_KEY", "1")
    }

    fn run(&self, manifest: &Manifest) -> Said {
        self.0.run_with(manifest, |command| self.variables(command))
    }

    /// Gives the host the key that opens the file.
    fn give_key(&self) {
        fs::create_dir_all(self.key().parent().unwrap()).unwrap();
        fs::copy(self.0.fixture("keys/age.txt"), self.key()).unwrap();
        self.0.give_all();
    }

    /// What a restart takes away.
    fn restart(&self) {
        self.0
            .shell("umount /run/secrets.d; rm -r /run/secrets*; rm -f /run/sops-nix/new-key");
    }

    fn is_marked(&self) -> bool {
        self.0.path("/run/secrets.no-key-yet").exists()
    }
}

const NOTE: &str = "warning: this host has no key yet, so nothing is installed: $DIR/lib/sops-nix/key.txt does not exist, and no secret was \
    ever installed here; make a key, and add its recipient to .sops.yaml, run sops updatekeys for its files, and deploy them; then type sops-nix \
    retry; to make a key, run: mkdir -p $DIR/lib/sops-nix && age-keygen -o $DIR/lib/sops-nix/key.txt\n";

#[test]
fn a_host_that_never_had_a_key_is_told_how_to_make_one_and_nothing_has_failed() {
    let Some(host) = Host::new() else { return };
    let dry = host.0.run_with(&host.manifest(), |command| {
        host.variables(command).env("NIXOS_ACTION", "dry-activate")
    });
    assert_eq!((dry.code, dry.err.as_str()), (Some(4), NOTE));
    assert!(!host.is_marked(), "a dry run writes nothing");
    for _ in 0..2 {
        let said = host.run(&host.manifest());
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(4), "", NOTE));
    }
    assert!(host.is_marked());
    assert!(!host.0.path("/run/secrets").exists() && !host.0.path("/run/secrets.d").exists());
    assert!(!host.0.input("var/history").exists());
}

#[test]
fn the_units_ask_first_and_find_the_same() {
    let Some(host) = Host::new() else { return };
    let ask = || {
        let path = host.0.save(&host.manifest());
        let mut command = host.0.program(["--key-check".as_ref(), path.as_os_str()]);
        host.0.finish(host.variables(&mut command))
    };
    assert_eq!((ask().code, ask().err.as_str()), (Some(0), NOTE));
    assert!(host.is_marked());
    host.give_key();
    assert_eq!((ask().code, ask().err.as_str()), (Some(0), ""));
    assert!(
        !host.is_marked() && !host.0.path("/run/secrets").exists(),
        "it installs nothing"
    );
}

#[test]
fn a_key_that_is_gone_after_it_was_there_is_a_failure() {
    let Some(host) = Host::new() else { return };
    assert_eq!(host.run(&host.manifest()).code, Some(4));
    host.give_key();
    let said = host.run(&host.manifest());
    assert_eq!(
        (said.code, host.0.read("/run/secrets/db").as_str()),
        (Some(0), "db.example.org")
    );
    assert!(!host.is_marked());
    assert!(!host.0.tree("/run").contains("no-key-yet"));
    let history = host.0.input("var/history");
    let modes = host
        .0
        .shell(&format!("stat -c %a {0} {0}/has-had-secrets", history.display()));
    assert_eq!(modes, "755\n644\n");
    // The directory of the key goes with it, and so does all that a restart takes.
    fs::remove_dir_all(host.key().parent().unwrap()).unwrap();
    for restarts in [false, true] {
        if restarts {
            host.restart();
        }
        let said = host.run(&host.manifest());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err.contains("(no key)  $DIR/lib/sops-nix/key.txt: no such file"),
            "{said:?}"
        );
        assert!(!host.is_marked());
    }
}

/// What makes it uncertain that a host never had a key: shell commands in its directory, and fields of its manifest.
type Doubt = (&'static str, &'static str, fn(&Host, Manifest) -> Manifest);

fn same(_: &Host, manifest: Manifest) -> Manifest {
    manifest
}

const DOUBTS: &[Doubt] = &[
    ("another key is there", "", |host, manifest| {
        manifest.with("ageSshKeyPaths", json!([host.0.fixture("keys/other_ssh_ed25519")]))
    }),
    (
        "the key is damaged",
        "mkdir lib/sops-nix; echo AGE-SECRET > lib/sops-nix/key.txt",
        same,
    ),
    (
        "the key is an empty file",
        "mkdir lib/sops-nix; : > lib/sops-nix/key.txt",
        same,
    ),
    (
        "a link to it leads nowhere",
        "mkdir lib/sops-nix; ln -s /persist/key.txt lib/sops-nix/key.txt",
        same,
    ),
    (
        "its directory is a link",
        "mkdir persist; touch persist/other; ln -s ../persist lib/sops-nix",
        same,
    ),
    (
        "its directory is a link that leads nowhere",
        "ln -s /persist/sops-nix lib/sops-nix",
        same,
    ),
    (
        "its directory is empty, as where a disk is missing",
        "mkdir lib/sops-nix",
        same,
    ),
    ("its directory is a file", "touch lib/sops-nix", same),
    ("its directory is in memory", "", |_, manifest| {
        manifest.with("ageKeyFile", "/run/keys/age.txt")
    }),
    ("nothing of its path is there", "", |_, manifest| {
        manifest.with("ageKeyFile", "/no-such-disk/age.txt")
    }),
    ("something was published", "ln -s nowhere /run/secrets", same),
    (
        "a run has failed since the start",
        "mkdir /run/secrets.d; echo '{}' > /run/secrets.d/.last-run.json",
        same,
    ),
    (
        "secrets were opened once",
        "mkdir var/history; touch var/history/has-had-secrets",
        same,
    ),
    (
        "the history is in memory",
        "mkdir var/history; mount -t tmpfs tmpfs var/history",
        same,
    ),
    (
        "the history cannot be written",
        "mkdir var/history; mount --bind var/history var/history; mount -o remount,bind,ro var/history",
        same,
    ),
    ("there is no place for a history", "rm -r var", same),
    ("the key is a credential", "", |_, manifest| {
        manifest.with("ageKeyCredential", "age")
    }),
    ("gpg may have it", "", |host, manifest| {
        let manifest = manifest.without("ageKeyFile").with("ageSshKeyPaths", json!([host.key()]));
        manifest.with("gnupgHome", host.0.input("gnupg").to_str().unwrap())
    }),
    ("a sops file is missing", "", |host, manifest| {
        manifest.secret("x", &host.0.input("absent.json"), "x")
    }),
    (
        "a sops file was never encrypted",
        "echo '{\"x\": 1}' > plain.json",
        |host, manifest| manifest.secret("x", &host.0.input("plain.json"), "x"),
    ),
    ("a key service may open a file", "", |host, manifest| {
        manifest.secret("x", &host.0.fixture("3.13.2/to-kms.yaml"), "database/host")
    }),
    ("it is before file systems are mounted", "", |_, manifest| {
        manifest.with("forFileSystems", true)
    }),
    ("the manifest is one of sops-nix", "", |_, manifest| {
        manifest.without("version")
    }),
];

#[test]
fn every_doubt_is_a_failure() {
    for (what, prepare, change) in DOUBTS {
        let Some(host) = Host::new() else { return };
        host.0.shell(&format!("cd '{}'; {prepare}", host.0.input(".").display()));
        let manifest = change(&host, host.manifest());
        let said = host.run(&manifest);
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        assert!(said.err.contains("error: cannot "), "{what}: {said:?}");
        assert!(!host.is_marked(), "{what}");
    }
}

#[test]
fn a_key_that_a_variable_names_is_no_missing_file() {
    for variable in ["SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"] {
        let Some(host) = Host::new() else { return };
        let said = host
            .0
            .run_with(&host.manifest(), |command| host.variables(command).env(variable, "false"));
        assert_eq!((said.code, host.is_marked()), (Some(1), false), "{variable}: {said:?}");
    }
}

#[test]
fn whoever_does_not_ask_for_it_gets_a_failure() {
    for variable in ["SOPS_NIX_HISTORY", "SOPS_NIX_MAY_LACK_KEY"] {
        let Some(host) = Host::new() else { return };
        let said = host
            .0
            .run_with(&host.manifest(), |command| host.variables(command).env_remove(variable));
        assert_eq!((said.code, host.is_marked()), (Some(1), false), "{variable}: {said:?}");
    }
}

#[test]
fn whoever_types_a_switch_hears_of_a_failure() {
    let Some(host) = Host::new() else { return };
    assert_eq!(host.run(&host.manifest()).code, Some(4));
    let path = host.0.save(&host.manifest());
    let script = format!(
        "mkdir -p /run/nixos; exec 9> /run/nixos/switch-to-configuration.lock; flock 9; '{}' '{}' || echo $?",
        host.0.executable().display(),
        path.display()
    );
    let mut command = host.0.command("sh");
    let said = host.0.finish(host.variables(command.args(["-ec", &script])));
    assert_eq!((said.out.as_str(), host.is_marked()), ("1\n", false), "{said:?}");
}

#[test]
fn a_key_that_was_just_made_counts_as_none_until_the_next_run() {
    let Some(host) = Host::new() else { return };
    // The script of `sops.age.generateKey` leaves this.
    let make = format!(
        "key='{}'; mkdir -p \"${{key%/*}}\" /run/sops-nix; cp '{}' \"$key\"; echo \"$(stat -c '%d %i %Y' \"$key\") age1new\" > /run/sops-nix/new-key",
        host.key().display(),
        host.0.fixture("keys/other-age.txt").display()
    );
    host.0.shell(&make);
    let note = "warning: this host has just made its first key, to which no file can be encrypted yet, so nothing is installed; add age1new to \
        .sops.yaml, run sops updatekeys for its files, and deploy them; then run: sops-nix retry\n";
    let said = host.run(&host.manifest());
    assert_eq!((said.code, said.err.as_str(), host.is_marked()), (Some(4), note, true));
    // From now on somebody may have encrypted to it.
    for _ in 0..2 {
        let said = host.run(&host.manifest());
        assert_eq!((said.code, host.is_marked()), (Some(1), false), "{said:?}");
        assert!(said.err.contains("  hint: add age1"), "{said:?}");
    }
}

#[test]
fn another_key_in_the_place_of_the_new_one_is_not_new() {
    let Some(host) = Host::new() else { return };
    host.give_key();
    host.0
        .shell("mkdir -p /run/sops-nix; echo '1 2 3 age1new' > /run/sops-nix/new-key");
    assert_eq!(host.run(&host.manifest()).code, Some(0));
    assert!(host.0.input("var/history/has-had-secrets").exists());
}
