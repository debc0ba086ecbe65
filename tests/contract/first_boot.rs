//! Tests the script that looks whether this is the first boot of a host that has no key yet (`sops.noKeyAtFirstBoot`): it says so once in the life of a Nix
//! store, and never if anything is uncertain. Without the mark, `sops-nix.service` is started, and fails without a key.

use std::{env, fs, path::PathBuf};

use crate::common::{Said, World, say};

/// The script, in which the module replaces the words between at signs.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nixos-module/first-boot.sh");

/// A world with a disk on which hosts have their directories. The disk is an ext4 file system in a file, whatever the machine has.
struct Disk(World);

/// A host that was just installed, in a directory of its own.
struct Host<'d> {
    world: &'d World,
    directory: PathBuf,
}

/// Installs a system, as `nixos-install` does.
const INSTALL: &str = "mkdir -p bin etc/ssh persist nix/store/1 nix/store/2 nix/var/nix/profiles
    ln -s ../../../store/1 nix/var/nix/profiles/system-1-link
    ln -s system-1-link nix/var/nix/profiles/system
    ahead='local-fs.target -.mount systemd-sysusers.service ran.service absent.service sops-nix-for-users.service unlock.service'
    echo \"$ahead\" > After-sops-nix-first-boot.service
    echo \"$ahead sops-nix-first-boot.service\" > After-sops-nix.service
    echo /run/systemd/system/service.d/all.conf /etc/systemd/system/sops-.service.d/all.conf > DropInPaths-sops-nix.service
    for unit in systemd-sysusers ran absent; do echo inactive > ActiveState-$unit.service; done
    for unit in systemd-sysusers absent; do echo 0 > InactiveExitTimestampMonotonic-$unit.service; done
    echo not-found > LoadState-absent.service
    echo failed > ActiveState-sops-nix-for-users.service
    cat > bin/systemctl <<END
#!/bin/sh
cd '$PWD'
[ ! -e fails-\\$3 ] || exit 1
if [ -e \\$3-\\$6 ]; then exec cat \\$3-\\$6; fi
case \\$3 in LoadState) echo loaded ;; ActiveState) echo active ;; Result) echo success ;; *) echo 12 ;; esac
END
    chmod +x bin/systemctl";

/// What happens before the script is started: `/run` is new, and the disk of a key is mounted.
const BOOT: &str = "rm -rf run
    mkdir -p run/sops-nix-first-boot
    ln -s \"$PWD/nix/store/1\" run/current-system
    mount --bind persist persist";

const CAUSE: &str = "no secret was installed";
const REMEDY: &str = "make a key";
const WARNING: &str = "warning: no secret was installed; make a key\n";

impl Disk {
    /// `None` if there can be none here.
    fn new() -> Option<Self> {
        let world = World::system()?;
        let directory = world.input("");
        let make = format!(
            "cd '{}'; mkdir disk; truncate -s 16M image; mkfs.ext4 -q image && mount -o loop image disk",
            directory.display()
        );
        let said = world.finish(world.command("sh").args(["-ec", &make]));
        if said.code != Some(0) {
            say(&format!(
                "skipped: needs mkfs.ext4 and a loop device: {}",
                said.err.trim_end()
            ));
            return None;
        }
        Some(Self(world))
    }

    fn host(&self, name: &str) -> Host<'_> {
        let host = Host {
            world: &self.0,
            directory: self.0.input("disk").join(name.replace(' ', "-")),
        };
        let there = host.directory.display();
        self.0.shell(&format!("mkdir '{there}'; cd '{there}'; {INSTALL}"));
        host
    }
}

impl Host<'_> {
    fn script(&self) -> String {
        let at = |names: &[&str]| {
            let paths = names.iter().map(|name| self.directory.join(name).display().to_string());
            paths.collect::<Vec<_>>().join(" ")
        };
        let path = format!("{}:{}", at(&["bin"]), env::var("PATH").unwrap());
        let words = [
            ("path", format!("'{path}'")),
            ("unit", "sops-nix-first-boot.service".to_owned()),
            ("mark", at(&["run/sops-nix-first-boot/no-key-yet"])),
            ("note", at(&["nix/var/sops-nix-first-boot"])),
            ("store", at(&["nix/store"])),
            ("profiles", at(&["nix/var/nix/profiles"])),
            ("running", at(&["run/current-system"])),
            ("keys", at(&["etc/ssh/key", "persist/lib/key.txt"])),
            ("mounts", at(&["persist"])),
            ("links", at(&["run/secrets-for-users", "run/secrets"])),
            ("cause", format!("'{CAUSE}'")),
            ("remedy", format!("'{REMEDY}'")),
        ];
        let script = words
            .iter()
            .fold(fs::read_to_string(SCRIPT).unwrap(), |script, (word, value)| {
                script.replace(&format!("@{word}@"), value)
            });
        assert!(!script.contains("=@") && !script.contains("in @"), "{script}");
        script
    }

    /// Starts the host: runs commands in its directory, and then the script. What they mount is gone afterwards.
    fn start(&self, boot: &str, prepare: &str) -> Said {
        let script = self.world.write("first-boot.sh", self.script());
        // systemd works in the root directory. The shell is that of NixOS; vm-tests/boot has another.
        let line = format!(
            "cd '{}'; {boot}; {prepare}; cd /; exec bash '{}'",
            self.directory.display(),
            script.display()
        );
        let mut command = self.world.command("unshare");
        self.world.finish(command.args(["--mount", "sh", "-ec", &line]))
    }

    /// Where the tests find a file of the host, which is on the disk.
    fn path(&self, name: &str) -> PathBuf {
        self.world.path(self.directory.join(name).to_str().unwrap())
    }

    fn mark(&self) -> Option<String> {
        fs::read_to_string(self.path("run/sops-nix-first-boot/no-key-yet")).ok()
    }

    fn is_noted(&self) -> bool {
        self.path("nix/var/sops-nix-first-boot").is_file()
    }

    /// The text with the directory of the host as `$HOST`.
    fn shown(&self, text: &str) -> String {
        text.replace(&self.world.shown(self.directory.to_str().unwrap()), "$HOST")
    }

    /// Starts the host twice more, without a reason for doubt: no boot after the first is quiet.
    fn is_never_quiet_again(&self, what: &str) {
        // In the second start, what was in /run is still there: a soft reboot, or a container whose /run is on a disk. The kernel is the same in all.
        let stale = "mkdir -p run/sops-nix-first-boot; touch run/sops-nix-first-boot/no-key-yet";
        for boot in [BOOT, &format!("{stale}; mount --bind persist persist")] {
            let said = self.start(boot, ":");
            assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""), "{what}");
            assert_eq!(self.mark(), None, "{what}");
        }
    }
}

#[test]
fn a_host_without_a_key_is_marked_once() {
    let Some(disk) = Disk::new() else { return };
    let host = disk.host("new");
    let said = host.start(BOOT, "umask 077");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), WARNING, ""));
    assert_eq!(host.mark().unwrap(), format!("{CAUSE}\n{REMEDY}\n"));
    assert!(host.is_noted());
    host.is_never_quiet_again("after a quiet boot");
}

#[test]
fn a_key_that_was_there_once_is_never_again_one_that_was_not_made_yet() {
    let Some(disk) = Disk::new() else { return };
    for (name, key) in [
        ("a key", "echo AGE-SECRET > etc/ssh/key"),
        ("one of two keys", "mkdir persist/lib; echo AGE-SECRET > persist/lib/key.txt"),
        ("an empty file", ": > etc/ssh/key"),
        ("a symlink that leads nowhere", "ln -s /persist/key etc/ssh/key"),
    ] {
        let host = disk.host(name);
        let said = host.start(BOOT, key);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""), "{name}");
        assert_eq!((host.mark(), host.is_noted()), (None, true), "{name}");
        host.world.shell(&format!(
            "rm -rf '{0}/etc/ssh/key' '{0}/persist/lib'",
            host.directory.display()
        ));
        host.is_never_quiet_again(name);
    }
}

/// What makes it uncertain that a host never had a key, shell commands that make it so, and what is said.
const DOUBTS: &[(&str, &str, &str)] = &[
    (
        "another system was installed before this one",
        "mv nix/var/nix/profiles/system-1-link nix/var/nix/profiles/system-2-link",
        "$HOST/nix/var/nix/profiles/system-1-link is not the only system that Nix knows",
    ),
    (
        "another system was installed after this one",
        "ln -s ../../../store/2 nix/var/nix/profiles/system-2-link",
        "$HOST/nix/var/nix/profiles/system-1-link is not the only system that Nix knows",
    ),
    (
        "another system has a name of its own",
        "mkdir nix/var/nix/profiles/system-profiles",
        "$HOST/nix/var/nix/profiles/system-1-link is not the only system that Nix knows",
    ),
    (
        "Nix knows no system",
        "rm nix/var/nix/profiles/system-1-link",
        "$HOST/nix/var/nix/profiles/system-1-link is not the only system that Nix knows",
    ),
    (
        "another system runs",
        "ln -sfn \"$PWD/nix/store/2\" run/current-system",
        "$HOST/nix/var/nix/profiles/system-1-link is not the system that runs",
    ),
    (
        "no system runs",
        "rm run/current-system",
        "$HOST/nix/var/nix/profiles/system-1-link is not the system that runs",
    ),
    (
        "all of Nix is in memory",
        "cp -a nix nix.old; mount -t tmpfs tmpfs nix; cp -a nix.old/. nix",
        "$HOST/nix/var/sops-nix-first-boot is on a file system that may not last",
    ),
    (
        "all of Nix is in a ramfs",
        "cp -a nix nix.old; mount -t ramfs ramfs nix; cp -a nix.old/. nix",
        "$HOST/nix/var/sops-nix-first-boot is on a file system that may not last",
    ),
    (
        "all of Nix is an overlay",
        "mkdir upper; mount -t tmpfs tmpfs upper; mkdir upper/files upper/work
         mount -t overlay overlay -o lowerdir=nix,upperdir=upper/files,workdir=upper/work nix",
        "$HOST/nix/var/sops-nix-first-boot is on a file system that may not last",
    ),
    (
        "the store is on another disk",
        "cp -a nix/store store.old; mount -t tmpfs tmpfs nix/store; cp -a store.old/. nix/store",
        "$HOST/nix/var/sops-nix-first-boot is on another file system than the Nix store",
    ),
    (
        "the disk of a key is not mounted",
        "umount persist",
        "$HOST/persist is not mounted",
    ),
    (
        "a symlink leads to the directory of a key",
        "mkdir other; rmdir etc/ssh; ln -s ../other etc/ssh",
        "$HOST/etc/ssh/key is behind a symlink, which may lead to a disk that is not there",
    ),
    (
        "a symlink leads nowhere",
        "ln -s ../other/lib persist/lib",
        "$HOST/persist/lib/key.txt is behind a symlink, which may lead to a disk that is not there",
    ),
    (
        "a file is in the way",
        "touch persist/lib",
        "stat: cannot statx '$HOST/persist/lib/key.txt': Not a directory",
    ),
    (
        "secrets are live",
        "ln -s nowhere run/secrets",
        "$HOST/run/secrets is there, so secrets were installed",
    ),
    (
        "early secrets are live",
        "ln -s nowhere run/secrets-for-users",
        "$HOST/run/secrets-for-users is there, so secrets were installed",
    ),
    (
        "systemd sets a variable",
        "export SOPS_AGE_KEY_FILE=/key",
        "systemd sets a variable that may name a key",
    ),
    (
        "systemd sets the home of gpg",
        "export GNUPGHOME=/persist/gnupg",
        "systemd sets a variable that may name a key",
    ),
    (
        "the unit has a drop-in",
        "echo /run/systemd/system/service.d/all.conf /etc/systemd/system/sops-nix.service.d/key.conf > DropInPaths-sops-nix.service",
        "sops-nix.service has the drop-in /etc/systemd/system/sops-nix.service.d/key.conf",
    ),
    (
        "the unit has a drop-in under a part of its old name",
        "echo /etc/systemd/system/sops-install-.service.d/key.conf > DropInPaths-sops-nix.service",
        "sops-nix.service has the drop-in /etc/systemd/system/sops-install-.service.d/key.conf",
    ),
    (
        "a unit comes in between",
        "echo 'local-fs.target key.service' > After-sops-nix.service",
        "key.service comes before sops-nix.service, and may bring the key",
    ),
    (
        "a unit before it has failed",
        "echo failed > ActiveState-unlock.service",
        "unlock.service has failed, and may have to bring the key",
    ),
    (
        "a unit before it was not started",
        "echo inactive > ActiveState-unlock.service; echo 0 > InactiveExitTimestampMonotonic-unlock.service",
        "unlock.service was not started, and may have to bring the key",
    ),
    (
        "a unit with a name like ours has failed",
        "echo sops-nix-fetch-key.service > After-sops-nix-first-boot.service
         echo sops-nix-fetch-key.service > After-sops-nix.service
         echo failed > ActiveState-sops-nix-fetch-key.service",
        "sops-nix-fetch-key.service has failed, and may have to bring the key",
    ),
    (
        "a unit before it is tried again",
        "echo activating > ActiveState-unlock.service; echo exit-code > Result-unlock.service",
        "unlock.service has not done its work, and may have to bring the key",
    ),
    (
        "a unit before it was skipped",
        "echo inactive > ActiveState-unlock.service; echo exec-condition > Result-unlock.service",
        "unlock.service has not done its work, and may have to bring the key",
    ),
    (
        "a unit before it cannot be used",
        "echo bad-setting > LoadState-unlock.service; echo inactive > ActiveState-unlock.service",
        "unlock.service has not done its work, and may have to bring the key",
    ),
    (
        "systemd says nothing",
        ": > After-sops-nix.service",
        "systemd does not say what comes before sops-nix.service",
    ),
];

#[test]
fn every_doubt_is_a_failure() {
    let Some(disk) = Disk::new() else { return };
    for (what, prepare, reason) in DOUBTS {
        let host = disk.host(what);
        // A mark that was left does not count, either.
        let said = host.start(BOOT, &format!("touch run/sops-nix-first-boot/no-key-yet; {prepare}"));
        let wanted = format!("a missing key is a failure, although sops.noKeyAtFirstBoot is on: {reason}\n");
        assert_eq!(
            (said.code, host.shown(&said.out).as_str(), said.err.as_str()),
            (Some(0), wanted.as_str(), ""),
            "{what}"
        );
        assert_eq!(host.mark(), None, "{what}");
        // What is in memory forgets the note, and all else with it.
        if !reason.ends_with("may not last") {
            let there = host.directory.display();
            host.world.shell(&format!(
                "cd '{there}'; rm -rf bin etc persist *-* nix/store nix/var/nix; {INSTALL}"
            ));
            host.is_never_quiet_again(what);
        }
    }
}

#[test]
fn a_first_boot_that_cannot_be_noted_is_none() {
    let Some(disk) = Disk::new() else { return };
    let refused = "a missing key is a failure, although sops.noKeyAtFirstBoot is on: \
        the first boot cannot be noted in $HOST/nix/var/sops-nix-first-boot\n";
    let full = "mount -t tmpfs -o size=4k tmpfs nix/var; dd if=/dev/zero of=nix/var/x 2> /dev/null || :";
    for (what, prepare, wanted) in [
        ("read only", "mount --bind nix nix; mount -o remount,bind,ro nix", refused),
        ("full", full, refused),
        ("a directory is missing", "mv nix/var nix/gone", refused),
        (
            "a symlink is in its place",
            "ln -s /nowhere/note nix/var/sops-nix-first-boot",
            "",
        ),
        ("a directory is in its place", "mkdir nix/var/sops-nix-first-boot", ""),
    ] {
        let host = disk.host(what);
        let said = host.start(BOOT, prepare);
        assert_eq!(
            (said.code, host.shown(&said.out).as_str(), said.err.as_str()),
            (Some(0), wanted, ""),
            "{what}"
        );
        assert_eq!(host.mark(), None, "{what}");
    }
}

/// What the script cannot do is a failure of its unit, whose directory systemd removes: vm-tests/boot has that.
#[test]
fn a_look_that_fails_is_a_failure() {
    let Some(disk) = Disk::new() else { return };
    for (what, prepare) in [
        (
            "the note is not on the disk",
            "printf '#!/bin/sh\\nexit 1\\n' > bin/sync; chmod +x bin/sync",
        ),
        ("no answer about drop-ins", "touch fails-DropInPaths"),
        ("no answer about the order", "touch fails-After"),
        ("no answer about a unit", "touch fails-LoadState"),
        ("no answer about its state", "touch fails-ActiveState"),
        ("no answer about its result", "touch fails-Result"),
        ("no answer about its start", "touch fails-InactiveExitTimestampMonotonic"),
        (
            "the mark cannot be written",
            "mount -t tmpfs -o size=4k tmpfs run/sops-nix-first-boot; dd if=/dev/zero of=run/sops-nix-first-boot/x 2> /dev/null || :",
        ),
    ] {
        let host = disk.host(what);
        let said = host.start(BOOT, prepare);
        assert!(said.code != Some(0) && !said.out.contains(WARNING), "{what}: {said:?}");
        assert_eq!((host.mark(), host.is_noted()), (None, true), "{what}");
    }
}
