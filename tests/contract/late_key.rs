//! A key file that may come after the secrets are installed: a run without it leaves what only it opens to the run that has it.

use std::{ffi::OsStr, fs, os::unix::fs::symlink, path::PathBuf};

use serde_json::json;

use crate::common::{Manifest, Said, World};

/// The key of the secrets in their files, and their value.
const KEY: &str = "database/host";
const VALUE: &str = "db.example.org";

struct Host {
    world: World,
    /// Where the key comes to.
    key: PathBuf,
}

impl Host {
    /// `None` where such a host cannot be made.
    fn new() -> Option<Self> {
        let world = World::system()?;
        let key = world.input("stick/age.txt");
        Some(Self { world, key })
    }

    /// A secret that the SSH key of the host opens, and one that the late key opens.
    fn manifest(&self) -> Manifest {
        let ssh = self.world.fixture("keys/ssh_ed25519");
        let manifest = self.world.manifest().with("version", 1).with("ageSshKeyPaths", json!([ssh]));
        manifest
            .with("ageKeyFile", json!(self.key))
            .with("ageKeyFileMayComeLate", true)
            .secret("good", &self.world.fixture("to-converted-ssh.yaml"), KEY)
            .secret_with(
                "late",
                &self.world.fixture("nesting.yaml"),
                KEY,
                json!({"restartUnits": ["app.service"]}),
            )
    }

    /// Puts this key file there.
    fn plug_in(&self, key: &str) {
        let text = fs::read(self.world.fixture(key)).unwrap();
        self.world.write("stick/age.txt", text);
    }

    fn run(&self, manifest: &Manifest, flags: &[&str]) -> Said {
        let path = self.world.save(manifest);
        self.world
            .run_arguments(flags.iter().map(OsStr::new).chain([path.as_os_str()]))
    }

    /// Runs as a boot does, and expects a failure with these words.
    fn fails(&self, manifest: &Manifest, flags: &[&str], words: &str) {
        let said = self.run(manifest, flags);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
        self.world.shell("umount /run/secrets.d; rm -rf /run/secrets /run/secrets.d");
    }

    fn installed(&self) -> String {
        self.world.shell("cd /run/secrets; find . -type f | sort | tr '\\n' ' '")
    }
}

const DEFER: &str = "-key-services=defer";
const COMPLETE: &str = "-key-services=complete";

#[test]
fn what_only_a_late_key_opens_comes_with_the_run_that_has_it() {
    let Some(host) = Host::new() else { return };
    let said = host.run(&host.manifest(), &[DEFER]);
    let deferral = "deferred until sops-nix-online.service, which waits for $DIR/stick/age.txt: late (used by app.service)\n";
    assert_eq!((said.code, host.installed().as_str()), (Some(0), "./good "), "{said:?}");
    assert!(said.err.ends_with(deferral) && !said.err.contains("cannot use"), "{said:?}");
    host.plug_in("keys/age.txt");
    let said = host.run(&host.manifest(), &[COMPLETE]);
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(0), "./good ./late "),
        "{said:?}"
    );
    assert_eq!(host.world.read("/run/secrets/late"), VALUE);
    assert_eq!(host.world.shell("cat /run/nixos/activation-restart-list"), "app.service\n");
    // Without the key, what is live stays.
    fs::remove_file(&host.key).unwrap();
    let said = host.run(&host.manifest(), &[DEFER]);
    assert!(said.err.contains("(their live values stay until then)"), "{said:?}");
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(0), "./good ./late "),
        "{said:?}"
    );
    host.world.assert_no_leak();
}

#[test]
fn a_late_key_brings_its_secrets_also_where_another_is_broken_or_has_lost_its_key() {
    let Some(host) = Host::new() else { return };
    let ssh = host
        .world
        .write("ssh_ed25519", fs::read(host.world.fixture("keys/ssh_ed25519")).unwrap());
    let manifest = host.manifest().with("ageSshKeyPaths", json!([ssh]));
    let manifest = manifest.secret("broken", &host.world.input("missing.yaml"), KEY);
    let said = host.run(&manifest, &[DEFER]);
    assert_eq!((said.code, host.installed().as_str()), (Some(3), "./good "), "{said:?}");
    fs::remove_file(&ssh).unwrap();
    host.plug_in("keys/age.txt");
    let said = host.run(&manifest, &[COMPLETE]);
    assert_eq!(host.installed(), "./good ./late ", "{said:?}");
    assert_ne!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_symlink_to_a_disk_that_is_not_mounted_is_a_key_that_comes_late() {
    let Some(host) = Host::new() else { return };
    fs::create_dir(host.key.parent().unwrap()).unwrap();
    symlink("/disk/age.txt", &host.key).unwrap();
    let said = host.run(&host.manifest(), &[DEFER]);
    assert_eq!((said.code, host.installed().as_str()), (Some(0), "./good "), "{said:?}");
    assert!(said.err.contains("restore that file, or mount its file system\n"), "{said:?}");
}

#[test]
fn only_what_a_late_key_could_open_is_deferred() {
    let Some(host) = Host::new() else { return };
    let of = |file: &str| {
        let manifest = host.manifest();
        manifest.secret("other", &host.world.fixture(file), KEY)
    };
    host.fails(&of("to-pgp.yaml"), &[DEFER], "cannot decrypt $DIR/to-pgp.yaml");
    host.fails(&of("to-native-rsa.yaml"), &[DEFER], "cannot decrypt $DIR/to-native-rsa.yaml");
}

#[test]
fn a_key_that_does_not_come_late_is_missing() {
    let Some(host) = Host::new() else { return };
    let missing = "no such file";
    host.fails(&host.manifest().without("ageKeyFileMayComeLate"), &[DEFER], missing);
    // Nobody completes what these runs publish.
    host.fails(&host.manifest(), &[], missing);
    host.fails(&host.manifest(), &["-ignore-passwd", DEFER], missing);
    // A key that is there and opens nothing.
    host.plug_in("keys/other-age.txt");
    host.fails(&host.manifest(), &[DEFER], "cannot decrypt $DIR/nesting.yaml");
    host.fails(&host.manifest(), &[COMPLETE], "cannot decrypt $DIR/nesting.yaml");
    fs::write(&host.key, "").unwrap();
    host.fails(&host.manifest(), &[DEFER], "cannot decrypt $DIR/nesting.yaml");
}
