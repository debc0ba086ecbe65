//! Tests the state of a host that has no key in its first boot, and that every doubt about it is a failure.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::common::{Manifest, Said, World};

/// A host before its first boot, in a directory of its own: `lib` is where its key would be, and `nix` is its directory of Nix.
struct Host(World);

/// Installs a system, as `nixos-install` does.
const INSTALL: &str = "mkdir -p lib nix/store/1 nix/var/nix/profiles
    ln -s ../../../store/1 nix/var/nix/profiles/system-1-link
    ln -s system-1-link nix/var/nix/profiles/system
    ln -s \"$PWD/nix/store/1\" /run/current-system";

/// What a restart takes away, and the id of the next boot.
const RESTART: &str = "rm -f /run/secrets.no-key-yet
    ! mountpoint -q /run/secrets.d || umount /run/secrets.d
    rm -rf /run/secrets /run/secrets.d
    tr 0-8 1-9 < /proc/sys/kernel/random/boot_id > id
    mount --bind id /proc/sys/kernel/random/boot_id";

const LINKS: [&str; 2] = ["/run/secrets-for-users", "/run/secrets-for-file-systems"];

impl Host {
    /// `None` if it cannot be made here.
    fn new() -> Option<Self> {
        let host = Self(World::system().filter(World::is_on_disk)?);
        host.0.allow_input("lib");
        host.types(INSTALL);
        Some(host)
    }

    fn types(&self, script: &str) -> String {
        self.0.shell(&format!("cd '{}'; {script}", self.0.input(".").display()))
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

    /// What the unit runs before the installation.
    fn check(&self, manifest: &Manifest) -> Said {
        self.check_with(manifest, &[])
    }

    fn check_with(&self, manifest: &Manifest, variables: &[(&str, &str)]) -> Said {
        let (nix, path) = (self.0.input("nix"), self.0.save(manifest));
        let arguments = [
            "--key-check",
            nix.to_str().unwrap(),
            LINKS[0],
            LINKS[1],
            path.to_str().unwrap(),
        ];
        let mut command = self.0.program(arguments);
        self.0.finish(command.envs(variables.iter().copied()))
    }

    fn give_key(&self) {
        fs::create_dir_all(self.key().parent().unwrap()).unwrap();
        fs::copy(self.0.fixture("keys/age.txt"), self.key()).unwrap();
    }

    fn is_marked(&self) -> bool {
        self.0.path("/run/secrets.no-key-yet").exists()
    }

    fn note(&self) -> String {
        self.types("cat nix/var/sops-nix/first-boot || :")
    }

    /// The unit that installs is started, and fails as ever. What was found is over for good.
    fn fails(&self, what: &str, said: &Said) {
        assert_eq!(
            (said.code, said.err.as_str(), self.is_marked()),
            (Some(0), "", false),
            "{what}"
        );
        assert_eq!(self.note(), "over\n", "{what}");
    }
}

const FOUND: &str = "warning: no secret was installed in the first boot of this host, because it had no key: $DIR/lib/sops-nix/key.txt was not \
    there; make a key, add the recipient that sops-nix keys then prints to .sops.yaml, run sops updatekeys for its files, and switch; to make the \
    key, run: mkdir -p $DIR/lib/sops-nix && age-keygen -o $DIR/lib/sops-nix/key.txt\n";

#[test]
fn a_host_without_a_key_in_its_first_boot_is_told_how_to_make_one() {
    let Some(host) = Host::new() else { return };
    for _ in 0..2 {
        let said = host.check(&host.manifest());
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", FOUND));
        let mark = host.0.read("/run/secrets.no-key-yet");
        assert_eq!(
            format!("warning: {}\n", host.0.shown(mark.trim_end()).replace('\n', "; ")),
            FOUND
        );
    }
    assert_eq!(host.note(), host.0.read("/proc/sys/kernel/random/boot_id"));
    assert!(!host.0.path("/run/secrets").exists() && !host.0.path("/run/secrets.d").exists());
    let modes = host.types("stat -c %a nix/var/sops-nix nix/var/sops-nix/first-boot /run/secrets.no-key-yet");
    assert_eq!(modes, "755\n644\n644\n");
}

#[test]
fn the_second_boot_without_a_key_is_a_failure() {
    let Some(host) = Host::new() else { return };
    assert_eq!(host.check(&host.manifest()).err, FOUND);
    host.types(RESTART);
    for _ in 0..2 {
        host.fails("the second boot", &host.check(&host.manifest()));
    }
    let said = host.0.run(&host.manifest());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("(no key)  $DIR/lib/sops-nix/key.txt: no such file"),
        "{said:?}"
    );
}

#[test]
fn a_key_that_was_there_once_is_never_again_one_that_was_not_made_yet() {
    for is_first_boot in [true, false] {
        let Some(host) = Host::new() else { return };
        if is_first_boot {
            assert_eq!(host.check(&host.manifest()).err, FOUND);
        }
        host.give_key();
        host.fails("a key", &host.check(&host.manifest()));
        assert_eq!(host.0.install(&host.manifest()).code, Some(0));
        // Its directory goes with it, and so does all that a restart takes.
        fs::remove_dir_all(host.key().parent().unwrap()).unwrap();
        host.types("umount /run/secrets.d; rm -r /run/secrets*");
        host.fails("the same boot", &host.check(&host.manifest()));
        host.types(RESTART);
        host.fails("another boot", &host.check(&host.manifest()));
        assert_eq!(host.0.run(&host.manifest()).code, Some(1));
    }
}

/// What makes it uncertain that a host never had a key: shell commands in its directory, and fields of its manifest.
type Doubt = (&'static str, &'static str, fn(&Host, Manifest) -> Manifest);

fn same(_: &Host, manifest: Manifest) -> Manifest {
    manifest
}

const DOUBTS: &[Doubt] = &[
    (
        "another system was installed before this one",
        "mv nix/var/nix/profiles/system-1-link nix/var/nix/profiles/system-2-link",
        same,
    ),
    (
        "another system was installed after this one",
        "ln -s ../../../store nix/var/nix/profiles/system-2-link",
        same,
    ),
    (
        "another system has a name of its own",
        "mkdir nix/var/nix/profiles/system-profiles",
        same,
    ),
    (
        "another system runs",
        "mkdir nix/store/2; ln -sfn \"$PWD/nix/store/2\" /run/current-system",
        same,
    ),
    ("Nix knows no system", "rm nix/var/nix/profiles/system-1-link", same),
    ("no system runs", "rm /run/current-system", same),
    (
        "an earlier boot was the first",
        "mkdir nix/var/sops-nix; echo another > nix/var/sops-nix/first-boot",
        same,
    ),
    (
        "the note was written in part",
        "mkdir nix/var/sops-nix; head -c 5 /proc/sys/kernel/random/boot_id > nix/var/sops-nix/first-boot",
        same,
    ),
    (
        "the note is in memory",
        "mkdir nix/var/sops-nix; mount -t tmpfs tmpfs nix/var/sops-nix",
        same,
    ),
    (
        "all of Nix is in memory",
        "mv nix nix.old; mkdir nix; mount -t tmpfs tmpfs nix; cp -a nix.old/. nix",
        same,
    ),
    (
        "all of Nix is an overlay",
        "mkdir upper work; mount -t tmpfs tmpfs upper; mkdir upper/files upper/work
         mount -t overlay overlay -o lowerdir=nix,upperdir=upper/files,workdir=upper/work nix",
        same,
    ),
    (
        "only the store is on a disk that is kept",
        "cp -a nix/store store.old; mount -t tmpfs tmpfs nix/store; cp -a store.old/. nix/store",
        same,
    ),
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
        "mkdir persist; ln -s ../persist lib/sops-nix",
        same,
    ),
    (
        "its directory is a link that leads nowhere",
        "ln -s /persist/sops-nix lib/sops-nix",
        same,
    ),
    ("its directory is a file", "touch lib/sops-nix", same),
    ("secrets are live", "ln -s nowhere /run/secrets", same),
    ("early secrets are live", "ln -s nowhere /run/secrets-for-users", same),
    (
        "secrets of file systems are live",
        "ln -s nowhere /run/secrets-for-file-systems",
        same,
    ),
    (
        "a run has failed in this boot",
        "mkdir /run/secrets.d; echo '{}' > /run/secrets.d/.last-run.json",
        same,
    ),
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
    ("a key service may open any file", "", |_, manifest| {
        let services = json!({"program": "/no/such/program", "environment": {}, "addresses": ["tcp://127.0.0.1:1"]});
        manifest.with("keyServices", services)
    }),
    ("a file is for a key service, too", "", |host, manifest| {
        manifest.secret("x", &host.0.fixture("3.13.2/to-kms.yaml"), "database/host")
    }),
];

#[test]
fn every_doubt_is_a_failure() {
    for (what, prepare, change) in DOUBTS {
        let Some(host) = Host::new() else { return };
        // A mark that was left must not count, either.
        host.types(&format!("touch /run/secrets.no-key-yet; {prepare}"));
        let manifest = change(&host, host.manifest());
        host.fails(what, &host.check(&manifest));
        let said = host.0.run(&manifest);
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        assert!(said.err.contains("error: cannot "), "{what}: {said:?}");
    }
}

#[test]
fn a_key_that_a_variable_names_is_no_missing_file() {
    for variable in ["SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"] {
        let Some(host) = Host::new() else { return };
        host.fails(variable, &host.check_with(&host.manifest(), &[(variable, "false")]));
    }
}

#[test]
fn a_first_boot_that_cannot_be_noted_is_none() {
    for prepare in [
        "mkdir nix/var/sops-nix; mount --bind nix/var/sops-nix nix/var/sops-nix; mount -o remount,bind,ro nix/var/sops-nix",
        "mkdir nix/var/sops-nix; ln -s /nowhere/note nix/var/sops-nix/first-boot",
        "ln -s /nowhere nix/var/sops-nix",
    ] {
        let Some(host) = Host::new() else { return };
        host.types(prepare);
        let said = host.check(&host.manifest());
        assert_eq!((said.code, host.is_marked()), (Some(1), false), "{said:?}");
        let message = "error: cannot note in $DIR/nix/var/sops-nix/first-boot whether this is the first boot: ";
        assert!(said.err.starts_with(message), "{said:?}");
    }
}

#[test]
fn a_look_that_fails_in_the_first_boot_cannot_be_made_good_in_the_second() {
    let Some(host) = Host::new() else { return };
    let said = host.check(&host.manifest().with("version", 99));
    assert_eq!((said.code, host.is_marked()), (Some(1), false), "{said:?}");
    host.types(RESTART);
    host.fails("the second boot", &host.check(&host.manifest()));
}
