//! What was made outside the mount point goes with its secret: symlinks, directories and files that were moved aside.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::common::{Manifest, Said, World, has};

const LEDGER: &str = "/var/lib/sops-nix/ledger.json";

/// A manifest with a secret at each of these paths. The secrets have the names of the paths, with `-` for `/`.
fn at(world: &World, paths: &[&str]) -> Manifest {
    let file = world.fixture("text.bin");
    let manifest = world.manifest().with("version", 1).secret("stays", &file, "");
    paths.iter().fold(manifest, |manifest, path| {
        manifest.secret_with(&path[1..].replace('/', "-"), &file, "", json!({"path": path}))
    })
}

/// A manifest of the early phase.
fn early(world: &World, paths: &[&str]) -> Manifest {
    at(world, paths)
        .with("secretsMountPoint", "/run/secrets-for-users.d")
        .with("symlinkPath", "/run/secrets-for-users")
}

/// Installs the secrets at these paths. Nothing must be said but `out`, on standard output, beside changes of secrets.
fn install(world: &World, paths: &[&str], out: &str) {
    let said = world.install(&at(world, paths));
    assert_eq!((links(&said).as_str(), said.err.as_str()), (out, ""));
}

/// The lines about links on standard output.
fn links(said: &Said) -> String {
    said.out
        .split_inclusive('\n')
        .filter(|line| line.contains(" link: "))
        .collect()
}

/// Restarts the host: what is in memory is gone.
fn restart(world: &World) {
    world.shell("umount /run/secrets.d; umount /run/secrets-for-users.d 2> /dev/null || :; rm -rf /run/secrets*");
}

fn has_ledger(world: &World) -> bool {
    world.path(LEDGER).exists()
}

#[test]
fn a_symlink_goes_with_its_secret_and_with_the_directories_that_were_made_for_it() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app");
    let before = world.tree("/etc/app");
    install(&world, &["/etc/app/a/b/key", "/etc/app/a/other"], "");
    assert!(has_ledger(&world));
    install(&world, &["/etc/app/a/other"], "removing link: /etc/app/a/b/key\n");
    assert_eq!(
        world.tree("/etc/app"),
        "0755 0:0 a/\nlink 0:0 a/other -> /run/secrets/etc-app-a-other\n"
    );
    install(&world, &[], "removing link: /etc/app/a/other\n");
    assert_eq!(world.tree("/etc/app"), before);
    assert!(!has_ledger(&world));
    install(&world, &[], "");
}

#[test]
fn a_symlink_goes_also_after_a_restart_and_with_the_last_secret() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    restart(&world);
    let empty = world.manifest().with("version", 1);
    let dry = world.run_with(&empty, |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((dry.code, dry.out.as_str()), (Some(0), "would remove link: /etc/app/key\n"));
    let said = world.install(&empty);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("removing link: /etc/app/key\n", ""));
    // A service may have made the directory its own.
    assert_eq!(world.shell("ls /etc/app"), "");
    // Nothing was mounted and nothing was published for that.
    assert_eq!(world.shell("ls -d /run/secrets* 2> /dev/null || echo none"), "none\n");
}

#[test]
fn a_path_that_changes_takes_its_symlink_along() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/one"], "");
    let file = world.fixture("text.bin");
    let moved = at(&world, &[]).secret_with("etc-one", &file, "", json!({"path": "/etc/two"}));
    let said = world.install(&moved);
    assert_eq!(links(&said), "removing link: /etc/one\n");
    assert_eq!(
        world.shell("readlink /etc/two; ls /etc/one 2> /dev/null || echo gone"),
        "/run/secrets/etc-one\ngone\n"
    );
}

#[test]
fn a_file_that_was_moved_aside_is_put_back() {
    let Some(world) = World::system() else { return };
    world.shell("echo precious > /etc/key; chmod 640 /etc/key; chown 1000:60 /etc/key; echo mine > /etc/key.sops-backup");
    let whole = world.shell("stat -c '%i %a %u:%g %Y' /etc/key");
    let said = world.install(&at(&world, &["/etc/key"]));
    assert!(said.err.contains("was moved to /etc/key.sops-backup.1"), "{said:?}");
    restart(&world);
    let said = world.install(&at(&world, &[]));
    assert_eq!(
        said.err,
        "warning: /etc/key.sops-backup.1 was moved back to /etc/key: its secret is gone\n"
    );
    assert_eq!(
        world.shell("cat /etc/key /etc/key.sops-backup; stat -c '%i %a %u:%g %Y' /etc/key"),
        format!("precious\nmine\n{whole}")
    );
    assert_eq!(world.shell("ls /etc | grep key"), "key\nkey.sops-backup\n");
    assert!(!has_ledger(&world));
}

/// What somebody did to a symlink at `/etc/app/key`, and what is there once the secret is gone.
const REPLACED: &[(&str, &str)] = &[
    ("ln -sfn /etc/passwd /etc/app/key", "link 0:0 key -> /etc/passwd\n"),
    ("rm /etc/app/key; echo mine > /etc/app/key", "0644 0:0 key \"mine\\n\"\n"),
    // The same symlink, but made by somebody else.
    (
        "ln -s /run/secrets/etc-app-key /etc/app/new; mv -T /etc/app/new /etc/app/key",
        "link 0:0 key -> /run/secrets/etc-app-key\n",
    ),
    ("rm /etc/app/key; mkdir /etc/app/key", "0755 0:0 key/\n"),
    (
        "mv /etc/app/key /etc/app/elsewhere",
        "link 0:0 elsewhere -> /run/secrets/etc-app-key\n",
    ),
    ("echo mine > /etc/app/file", "0644 0:0 file \"mine\\n\"\n"),
];

#[test]
fn what_somebody_has_replaced_stays() {
    for (deed, left) in REPLACED {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/key"], "");
        world.shell(deed);
        let said = world.install(&at(&world, &[]));
        assert_eq!(said.err, "", "{deed}");
        assert_eq!(world.tree("/etc/app"), *left, "{deed}");
        assert!(!has_ledger(&world), "{deed}");
    }
}

#[test]
fn what_was_there_before_is_not_ours() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; ln -s /run/secrets/etc-app-key /etc/app/key");
    install(&world, &["/etc/app/key"], "");
    assert!(!has_ledger(&world));
    install(&world, &[], "");
    assert_eq!(world.tree("/etc/app"), "link 0:0 key -> /run/secrets/etc-app-key\n");
}

#[test]
fn a_directory_that_somebody_has_replaced_or_uses_stays() {
    for (deed, left) in [
        ("chmod 700 /etc/app", "0700 0:0 app/\n"),
        ("chown alice /etc/app", "0755 1000:0 app/\n"),
        ("echo x > /etc/app/x", "0755 0:0 app/\n0644 0:0 app/x \"x\\n\"\n"),
    ] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir /etc/top");
        install(&world, &["/etc/top/app/key"], "");
        world.shell(&deed.replace("/etc", "/etc/top"));
        install(&world, &[], "removing link: /etc/top/app/key\n");
        assert_eq!(world.tree("/etc/top"), left, "{deed}");
        assert!(!has_ledger(&world), "{deed}");
    }
}

#[test]
fn a_directory_that_was_replaced_by_a_symlink_keeps_the_live_link() {
    for copy in ["mv /etc/app /etc/data", "cp -a /etc/app /etc/data; rm -r /etc/app"] {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/key"], "");
        world.shell(&format!("{copy}; ln -s data /etc/app"));
        let inode = world.shell("stat -c %i /etc/data/key");
        for _ in 1..=2 {
            install(&world, &["/etc/app/key"], "");
        }
        assert_eq!(world.shell("stat -c %i /etc/data/key"), inode, "{copy}");
        assert_eq!(world.read("/etc/app/key"), world.read("/run/secrets/stays"), "{copy}");
        // A symlink that was copied is another one, so it stays. The directory was made by somebody else.
        let said = world.install(&at(&world, &[]));
        let is_moved = copy.starts_with("mv");
        assert_eq!(links(&said), if is_moved { "removing link: /etc/data/key\n" } else { "" });
        let left = if is_moved {
            ""
        } else {
            "link 0:0 key -> /run/secrets/etc-app-key\n"
        };
        assert_eq!((world.tree("/etc/data").as_str(), said.err.as_str()), (left, ""));
    }
}

#[test]
fn a_path_that_moves_between_phases_keeps_what_was_moved_aside() {
    for order in ["early first", "early last"] {
        let Some(world) = World::system() else { return };
        world.shell("echo precious > /etc/key");
        let said = world.install(&at(&world, &["/etc/key"]));
        assert!(said.err.contains("was moved to"), "{said:?}");
        let mut runs = [early(&world, &["/etc/key"]), at(&world, &[])];
        if order == "early last" {
            runs.reverse();
        }
        for run in &runs {
            world.install(run);
        }
        assert_eq!(
            world.shell("readlink /etc/key"),
            "/run/secrets-for-users/etc-key\n",
            "{order}"
        );
        world.install(&at(&world, &[]));
        world.install(&early(&world, &[]));
        assert_eq!(world.shell("cat /etc/key; ls /etc | grep key"), "precious\nkey\n", "{order}");
        assert!(!has_ledger(&world), "{order}");
    }
}

/// As with tools that switch a link between two directories.
#[test]
fn a_place_to_which_a_declared_path_led_keeps_its_link_until_the_secret_goes() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/blue /etc/green; ln -s blue /etc/current; echo old > /etc/blue/key");
    world.install(&at(&world, &["/etc/current/key"]));
    let live = "/run/secrets/etc-current-key\n";
    for way in ["green", "blue", "green"] {
        world.shell(&format!("ln -sfn {way} /etc/current"));
        install(&world, &["/etc/current/key"], "");
        assert_eq!(world.shell("readlink /etc/blue/key"), live, "{way}");
        assert_eq!(world.shell("readlink /etc/green/key"), live, "{way}");
    }
    world.install(&at(&world, &[]));
    assert_eq!(world.shell("cat /etc/blue/key; ls /etc/green"), "old\n");
    assert!(!has_ledger(&world));
}

#[test]
fn one_phase_leaves_the_links_of_another_alone() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/one"], "");
    world.install(&early(&world, &["/etc/app/two"]));
    world.install(&early(&world, &[]));
    assert_eq!(world.tree("/etc/app"), "link 0:0 one -> /run/secrets/etc-app-one\n");
    install(&world, &[], "removing link: /etc/app/one\n");
    assert_eq!(world.tree("/etc/app"), "");
}

#[test]
fn what_failed_keeps_its_symlink() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    restart(&world);
    let broken = world.write("broken.bin", "{}");
    let manifest = at(&world, &[]).secret_with("etc-app-key", &broken, "", json!({"path": "/etc/app/key"}));
    assert_eq!(world.run(&manifest).code, Some(3));
    assert_eq!(world.tree("/etc/app"), "link 0:0 key -> /run/secrets/etc-app-key\n");
    install(&world, &["/etc/app/key"], "");
}

#[test]
fn a_file_system_that_is_not_there_keeps_its_links_in_the_ledger() {
    let Some(world) = World::system() else { return };
    // Links in memory would be gone with their file system. This one stands for a disk.
    world.shell(
        "mkdir /etc/disk /run/keep /run/lower /run/upper /run/work
         mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /etc/disk",
    );
    install(&world, &["/etc/disk/key"], "");
    world.shell("mount --move /etc/disk /run/keep");
    let said = world.install(&at(&world, &[]));
    assert_eq!(
        said.err,
        "warning: the link /etc/disk/key of a former secret was not looked for: its directory is missing or another one now, as if \
         its file system were not mounted; to see whether it is still there, run: ls -l /etc/disk/key\n"
    );
    // It is said once.
    install(&world, &[], "");
    world.shell("mount --move /run/keep /etc/disk");
    install(&world, &[], "removing link: /etc/disk/key\n");
    assert!(!has_ledger(&world));
}

/// The units see the directories to which they may write as mounts of their own.
#[test]
fn a_link_that_a_confined_unit_has_made_is_forgotten_with_its_directory() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir /etc/disk /run/lower /run/upper /run/work
         mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /etc/disk
         mkdir -p /etc/disk/srv/app",
    );
    world.install(&at(&world, &[]));
    let path = world.save(&at(&world, &["/etc/disk/srv/app/key"]));
    let script = "mount --bind /etc/disk/srv /etc/disk/srv && exec \"$0\" \"$1\"";
    let mut confined = world.command("unshare");
    confined
        .args(["--mount", "sh", "-c", script])
        .arg(world.executable())
        .arg(path);
    let said = world.finish(&mut confined);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(has_ledger(&world));
    world.shell("rm -r /etc/disk/srv/app");
    install(&world, &[], "");
    assert!(!has_ledger(&world));
}

/// An earlier version of this program has noted which file system it was, and not where in it the link was.
#[test]
fn a_link_that_an_earlier_version_has_noted_is_forgotten_with_its_directory() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir /etc/disk /run/lower /run/upper /run/work
         mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /etc/disk",
    );
    install(&world, &["/etc/disk/app/key"], "");
    let noted = world.read(LEDGER);
    let earlier = noted.replace("\"overlay overlay /app/key\"", "\"overlay overlay /\"");
    assert_ne!(earlier, noted);
    fs::write(world.path(LEDGER), earlier).unwrap();
    world.shell("rm -r /etc/disk/app");
    install(&world, &[], "");
    assert!(!has_ledger(&world));
}

#[test]
fn what_was_in_memory_is_gone_with_its_file_system() {
    let Some(world) = World::system() else { return };
    install(&world, &["/run/app/key", "/run/app/other"], "");
    restart(&world);
    world.shell("rm -r /run/app");
    install(&world, &["/run/app/other"], "");
    install(&world, &[], "removing link: /run/app/other\n");
    assert!(!has_ledger(&world));
}

#[test]
fn a_file_system_that_may_never_answer_is_not_touched() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key", "/etc/app/near"], "");
    // A file system of a type that is not known as local stands for one whose server is dead.
    world.shell("mount -t devpts -o newinstance devpts /etc/app");
    let said = world.install(&at(&world, &[]));
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    assert!(
        lines[0].contains("the file system on /etc/app is of the type devpts, which may never answer"),
        "{said:?}"
    );
    world.shell("umount /etc/app");
    install(&world, &[], "removing link: /etc/app/key\nremoving link: /etc/app/near\n");
}

#[test]
fn a_run_that_changes_nothing_does_not_write_the_ledger() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    let look = || world.shell("find /var/lib/sops-nix /etc/app -printf '%p %i %C@ %T@\\n' | sort");
    let before = look();
    for _ in 1..=3 {
        install(&world, &["/etc/app/key"], "");
    }
    assert_eq!(look(), before);
    assert_eq!(world.shell("stat -c %a /var/lib/sops-nix/ledger.json"), "600\n");
}

#[test]
fn without_a_version_nothing_is_remembered() {
    let Some(world) = World::system() else { return };
    world.install(&at(&world, &["/etc/app/key"]).without("version"));
    assert!(!has_ledger(&world));
    world.install(&at(&world, &[]).without("version"));
    assert_eq!(world.tree("/etc/app"), "link 0:0 key -> /run/secrets/etc-app-key\n");
}

/// A ledger that cannot be used, and what is said of it.
const UNUSABLE: &[(&str, &str)] = &[
    (
        "echo broken > LEDGER",
        "it is damaged, or a newer version of this program wrote it",
    ),
    (
        "sed -i 's/\"version\": 1/\"version\": 2/' LEDGER",
        "it is damaged, or a newer version",
    ),
    (
        "sed -i 's/\"made\": {/\"made\": {\"more\": 1,/' LEDGER",
        "it is damaged, or a newer version",
    ),
    ("chmod 666 LEDGER", "somebody else could have written it"),
    ("chown alice LEDGER", "somebody else could have written it"),
    ("chown alice /var/lib/sops-nix", "somebody else could have written it"),
    (
        "mv LEDGER /var/lib/x; ln -s /var/lib/x LEDGER",
        "somebody else could have written it",
    ),
];

#[test]
fn a_ledger_that_cannot_be_used_stays_as_it_is_and_links_are_made_all_the_same() {
    for (deed, said) in UNUSABLE {
        let Some(world) = World::system() else { return };
        install(&world, &["/etc/app/key"], "");
        world.shell(&deed.replace("LEDGER", LEDGER));
        let look = || world.shell("cat /var/lib/sops-nix/ledger.json");
        let before = look();
        let told = world.install(&at(&world, &["/etc/app/new"]));
        assert!(
            told.err
                .contains("warning: the links that this run makes may stay when their secrets go: cannot use the ledger"),
            "{deed}: {told:?}"
        );
        assert!(told.err.contains(said), "{deed}: {told:?}");
        let told = world.install(&at(&world, &[]));
        assert!(
            told.err
                .starts_with("warning: the links of former secrets were not looked for: cannot use the ledger"),
            "{deed}: {told:?}"
        );
        assert!(told.err.contains(said) && told.err.lines().count() == 1, "{deed}: {told:?}");
        assert_eq!(world.shell("ls /etc/app"), "key\nnew\n", "{deed}");
        assert_eq!(look(), before, "{deed}");
    }
}

#[test]
fn a_run_waits_for_the_ledger_and_goes_on_without_it() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    let mut holder = world.command("perl");
    let script = "open F, '<', '/var/lib/sops-nix/.lock' or die; flock F, 2; $| = 1; print 'x'; sleep 60";
    holder.args(["-e", script]);
    let mut holder = holder.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let said = world.install(&at(&world, &["/etc/app/key", "/etc/app/new"]));
    assert!(said.err.contains("another run did not release it within 5 s"), "{said:?}");
    assert_eq!(world.shell("ls /etc/app"), "key\nnew\n");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn a_plain_user_has_a_ledger_of_their_own() {
    let world = World::user();
    let home = world.input("home").display().to_string();
    let install = |manifest: &Manifest| {
        let said = world.run_with(manifest, |command| command.env("HOME", &home));
        assert_eq!((said.code, said.err.contains("links")), (Some(0), false), "{said:?}");
        said
    };
    let path = format!("{home}/app/key");
    let file = world.fixture("text.bin");
    let none = world.manifest().with("version", 1).secret("stays", &file, "");
    install(&none.clone().secret_with("key", &file, "", json!({"path": path})));
    assert!(world.input("home/.local/state/sops-nix/ledger.json").exists());
    let said = install(&none);
    assert_eq!(links(&said), "removing link: $DIR/home/app/key\n");
    assert_eq!(
        world.shell("ls home home/.local/state/sops-nix"),
        "home:\n\nhome/.local/state/sops-nix:\n"
    );
}

#[test]
fn what_cannot_be_removed_is_said_once_and_tried_again() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/top; mount --bind /etc/top /etc/top");
    install(&world, &["/etc/top/app/key"], "");
    world.shell("mount -o remount,bind,ro /etc/top");
    let said = world.install(&at(&world, &[]));
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        (
            "removing secret: etc-top-app-key\n",
            "warning: the link /etc/top/app/key of a former secret stays: cannot remove /etc/top/app/key: read-only file system; to \
             remove it, run: rm /etc/top/app/key\n"
        )
    );
    install(&world, &[], "");
    world.shell("mount -o remount,bind,rw /etc/top; mount --bind /etc/top/app /etc/top/app");
    let said = world.install(&at(&world, &[]));
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        (
            "removing link: /etc/top/app/key\n",
            "warning: the directory /etc/top/app, made for former secrets, stays: cannot remove /etc/top/app: device or resource \
             busy; if nobody needs it, run: rmdir /etc/top/app\n"
        )
    );
    install(&world, &[], "");
    world.shell("umount /etc/top/app");
    install(&world, &[], "");
    assert_eq!(world.tree("/etc/top"), "");
    assert!(!has_ledger(&world));
}

/// On an overlay, a directory may get another inode number at a restart. The symlink keeps its own.
#[test]
fn a_symlink_is_known_also_in_a_directory_with_another_number() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app");
    install(&world, &["/etc/app/key"], "");
    world.shell("mv /etc/app /etc/old; mkdir /etc/app; mv /etc/old/key /etc/app; rmdir /etc/old");
    install(&world, &[], "removing link: /etc/app/key\n");
    assert_eq!(world.tree("/etc/app"), "");
    assert!(!has_ledger(&world));
}

#[test]
fn a_ledger_that_is_not_there_removes_nothing_and_works_when_it_is_back() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    // A file system is mounted over it, or is not mounted yet.
    world.shell("mount -t tmpfs tmpfs /var/lib");
    install(&world, &[], "");
    assert_eq!(world.tree("/etc/app"), "link 0:0 key -> /run/secrets/etc-app-key\n");
    assert_eq!(world.shell("ls /var/lib"), "");
    world.shell("umount /var/lib");
    install(&world, &[], "removing link: /etc/app/key\n");
    assert!(!has_ledger(&world));
}

#[test]
fn a_ledger_that_cannot_be_written_stops_no_run() {
    for (before, removed) in [(&[][..], ""), (&["/etc/app/key"], "removing link: /etc/app/key\n")] {
        let Some(world) = World::system() else { return };
        install(&world, before, "");
        world.shell("mount -o remount,ro /var/lib");
        let told = world.install(&at(&world, &["/etc/app/key", "/etc/app/new"]));
        assert!(
            told.err
                .starts_with("warning: the links that this run makes may stay when their secrets go: cannot ")
                && told.err.contains("read-only file system")
                && told.err.lines().count() == 1,
            "{told:?}"
        );
        assert_eq!(world.shell("ls /etc/app"), "key\nnew\n");
        // Nothing is to be noted any more.
        install(&world, &["/etc/app/key", "/etc/app/new"], "");
        // What the ledger has may go: then it has more than there is.
        let told = world.install(&at(&world, &[]));
        assert_eq!(links(&told), removed);
        assert_eq!(
            told.err.contains("cannot write /var/lib/sops-nix/ledger.json: "),
            !removed.is_empty(),
            "{told:?}"
        );
        world.shell("mount -o remount,rw /var/lib");
        install(&world, &[], "");
        assert_eq!(
            world.shell("ls /etc/app"),
            if removed.is_empty() { "key\nnew\n" } else { "new\n" }
        );
        assert!(!has_ledger(&world));
    }
}

/// The Go program, and earlier versions of this one, have no ledger.
#[test]
fn what_an_earlier_version_made_stays_and_an_earlier_version_does_not_disturb_the_ledger() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app");
    let old = |paths: &[&str]| world.install(&at(&world, paths).without("version"));
    old(&["/etc/app/old"]);
    install(&world, &["/etc/app/old", "/etc/app/new"], "");
    // Back to the configuration of the earlier version, and forth again.
    old(&["/etc/app/old"]);
    install(&world, &["/etc/app/old", "/etc/app/new"], "");
    install(&world, &[], "removing link: /etc/app/new\n");
    assert_eq!(world.tree("/etc/app"), "link 0:0 old -> /run/secrets/etc-app-old\n");
}

#[test]
fn a_run_of_nothing_leaves_the_links_of_a_run_that_has_published_meanwhile() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    let nothing = world.save(&world.manifest().with("version", 1));
    // The run of nothing finds nothing published, and waits for the ledger. Then something is.
    let script = format!(
        "mkdir /run/away; mount --move /run/secrets.d /run/away; rmdir /run/secrets.d
         perl -e '
           open F, \"<\", \"/var/lib/sops-nix/.lock\" or die; flock F, 2;
           my $run = fork; if (!$run) {{ exec @ARGV }}
           sub waits {{ readlink(\"/proc/$run/exe\") !~ /perl/ && grep {{ (readlink // \"\") =~ /nix..lock/ }} glob \"/proc/$run/fd/*\" }}
           select undef, undef, undef, 0.01 until waits;
           mkdir \"/run/secrets.d\"; system qw(mount --move /run/away /run/secrets.d); close F; waitpid $run, 0; exit $?' {} {}",
        world.executable().display(),
        nothing.display()
    );
    assert_eq!(world.shell(&script), "");
    assert_eq!(world.tree("/etc/app"), "link 0:0 key -> /run/secrets/etc-app-key\n");
    assert!(has_ledger(&world));
}

#[test]
fn a_file_that_was_moved_aside_does_not_replace_what_somebody_has_put_there() {
    let Some(world) = World::system() else { return };
    world.shell("echo precious > /etc/key");
    world.install(&at(&world, &["/etc/key"]));
    world.shell("rm /etc/key; echo mine > /etc/key");
    let said = world.install(&at(&world, &[]));
    assert_eq!(
        said.err,
        "warning: /etc/key.sops-backup, which was moved aside for a former secret, stays: something else is at /etc/key now; move it \
         to where you want it, or remove it\n"
    );
    assert_eq!(world.shell("cat /etc/key /etc/key.sops-backup"), "mine\nprecious\n");
}

#[test]
fn a_file_that_was_moved_aside_and_changed_since_stays_and_is_named() {
    let Some(world) = World::system() else { return };
    world.shell("echo precious > /etc/key");
    world.install(&at(&world, &["/etc/key"]));
    world.shell("echo more >> /etc/key.sops-backup");
    let said = world.install(&at(&world, &[]));
    assert_eq!(links(&said), "removing link: /etc/key\n");
    assert_eq!(
        said.err,
        "warning: /etc/key.sops-backup stays: it is not the file that was moved aside for a former secret, or was changed since; to \
         put it back, run: mv /etc/key.sops-backup /etc/key\n"
    );
    assert_eq!(
        world.shell("cat /etc/key.sops-backup; ls /etc | grep key"),
        "precious\nmore\nkey.sops-backup\n"
    );
}

/// One directory at two places, as on hosts that keep some directories of a system that is otherwise thrown away.
#[test]
fn the_live_link_stays_if_its_place_is_declared_by_another_path() {
    // With a secret of the same name, or of another.
    for name in ["etc-kept-app-key", "other"] {
        let Some(world) = World::system() else { return };
        world.shell("mkdir -p /etc/kept/app /etc/app; mount --bind /etc/kept/app /etc/app; echo precious > /etc/kept/app/key");
        world.install(&at(&world, &["/etc/kept/app/key"]));
        let file = world.fixture("text.bin");
        let again = |path: &str| world.install(&at(&world, &[]).secret_with(name, &file, "", json!({"path": path})));
        for path in ["/etc/app/key", "/etc/app/key", "/etc/kept/app/key"] {
            let said = again(path);
            assert_eq!((links(&said).as_str(), said.err.as_str()), ("", ""), "{name} {path}");
            assert_eq!(world.read("/etc/app/key"), world.read("/run/secrets/stays"), "{name} {path}");
        }
        let said = world.install(&at(&world, &[]));
        assert_eq!(links(&said), "removing link: /etc/kept/app/key\n", "{name}");
        assert_eq!(world.shell("cat /etc/app/key; ls /etc/app"), "precious\nkey\n", "{name}");
    }
}

/// An optional secret that is absent has no symlink. Its path may lie on a dead disk.
#[test]
fn a_declared_path_is_not_touched_where_nothing_may_answer() {
    let Some(world) = World::system().filter(|_| has("strace")) else {
        return;
    };
    // A copy as well: it has the last name of that path.
    world.allow("/etc/app");
    let copy = json!({"path": "/etc/app/copies/key", "install": "copy"});
    world.install(&at(&world, &["/etc/app/key", "/etc/app/other"]).template("t", "one\n", copy));
    // A file system of a type that is not known as local stands for one whose server is dead.
    world.shell("mkdir /etc/dead; mount -t devpts -o newinstance devpts /etc/dead");
    let file = world.fixture("nesting.json");
    let fields = json!({"path": "/etc/dead/key", "optional": true});
    let absent = at(&world, &[]).secret_with("s", &file, "absent", fields);
    let (said, calls) = world.trace(&absent, &["-y"], &[]);
    assert_eq!((said.code, said.err.lines().count()), (Some(0), 1), "{said:?}");
    assert_eq!(links(&said), "removing link: /etc/app/key\nremoving link: /etc/app/other\n");
    assert!(said.out.contains("removing copy: /etc/app/copies/key\n"), "{said:?}");
    let touched: Vec<_> = calls.iter().filter(|call| call.arguments.contains("\"dead")).collect();
    assert!(touched.is_empty(), "{touched:?}");
    assert!(!has_ledger(&world));
}

/// The secret fails at the boot in which its path is spelled in another way.
#[test]
fn what_a_path_had_is_known_when_it_is_spelled_in_another_way_and_its_secret_comes_later() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/app; ln -s app /etc/way; echo precious > /etc/app/key");
    world.install(&at(&world, &["/etc/way/key"]));
    restart(&world);
    let again = |file: PathBuf| at(&world, &[]).secret_with("s", &file, "", json!({"path": "/etc/app/key"}));
    let said = world.run(&again(world.write("broken.bin", "{}")));
    assert_eq!((said.code, links(&said).as_str()), (Some(3), ""), "{said:?}");
    let said = world.install(&again(world.fixture("text.bin")));
    assert_eq!((links(&said).as_str(), said.err.as_str()), ("", ""));
    world.install(&at(&world, &[]));
    assert_eq!(world.shell("cat /etc/app/key; ls /etc/app"), "precious\nkey\n");
    assert!(!has_ledger(&world));
}

/// A copy whose secret is absent goes, however its path was spelled when it was made.
#[test]
fn a_copy_goes_although_its_place_is_declared_in_another_way_by_a_secret_that_is_absent() {
    let Some(world) = World::system() else { return };
    world.allow("/etc/app");
    world.shell("mkdir /etc/app; ln -s app /etc/way");
    let base = at(&world, &[]);
    world.install(
        &base
            .clone()
            .template("t", "one\n", json!({"path": "/etc/way/key", "install": "copy"})),
    );
    let fields = json!({"path": "/etc/app/key", "install": "copy", "optional": true});
    let said = world.install(&base.secret_with("s", &world.fixture("nesting.json"), "absent", fields));
    assert!(said.out.contains("removing copy: /etc/app/key\n"), "{said:?}");
    assert_eq!(world.tree("/etc/app"), "");
    assert!(!has_ledger(&world));
}

/// The ledger is busy when the symlinks are made, and is free later.
#[test]
fn a_run_that_could_not_note_its_links_removes_none() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /etc/a; ln -s a /etc/b");
    let file = world.fixture("text.bin");
    let with = |path: &str| at(&world, &[]).secret_with("key", &file, "", json!({"path": path}));
    world.install(&with("/etc/a/key"));
    world.shell("mv /var/lib/sops-nix /var/lib/away; ln -s /var/lib/none /var/lib/sops-nix");
    let said = world.install(&with("/etc/b/key"));
    assert_eq!(links(&said), "", "{said:?}");
    world.shell("rm /var/lib/sops-nix; mv /var/lib/away /var/lib/sops-nix");
    let said = world.install(&with("/etc/b/key"));
    assert_eq!((links(&said).as_str(), said.err.as_str()), ("", ""));
    assert_eq!(world.shell("readlink /etc/a/key"), "/run/secrets/key\n");
}

#[test]
fn a_link_that_is_not_there_any_more_is_forgotten_if_its_disk_is() {
    let Some(world) = World::system() else { return };
    let mount = "mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /etc/disk";
    world.shell(&format!("mkdir /etc/disk /run/lower /run/upper /run/work; {mount}"));
    install(&world, &["/etc/disk/app/key"], "");
    // The disk is thrown away and made anew, as some do at each boot.
    world.shell("rm -r /etc/disk/app");
    install(&world, &[], "");
    assert!(!has_ledger(&world));
}

#[test]
fn a_dry_run_tells_of_no_link_that_stays() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/gone", "/etc/app/other"], "");
    world.shell("rm /etc/app/gone; ln -sfn /etc/passwd /etc/app/other");
    let dry = world.run_with(&at(&world, &[]), |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!(links(&dry), "");
}

/// A run that was killed may have left plaintext.
#[test]
fn a_run_of_nothing_removes_what_no_link_leads_to() {
    let Some(world) = World::system() else { return };
    install(&world, &["/etc/app/key"], "");
    world.shell("rm /run/secrets");
    let said = world.install(&world.manifest().with("version", 1));
    assert_eq!(links(&said), "removing link: /etc/app/key\n");
    assert_eq!(world.shell("find /run/secrets.d -name stays -o -name etc-app-key"), "");
}
