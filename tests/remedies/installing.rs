//! The remedies for obstacles to a publication, and for units that must be told.

use serde_json::json;

use crate::scene::{Scene, command};
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    named(
        "on a real host, set sops.mock to false, and switch",
        "tests/contract/mock.rs goes from dummies to real secrets",
        &["sops.mock"],
    ),
    named(
        "correct sops.metrics.directory; the secrets are not concerned",
        "tests/contract/metrics.rs has directories that can be written to, and others",
        &["sops.metrics.directory"],
    ),
    named(
        "give its secrets new values, by sops edit",
        "sops writes the time of the change; the case more-days-than-the-configuration-says has a file that is old, and one that is not",
        &["sops.warnAge"],
    ),
    named(
        "if the unit runs nevertheless, run: systemctl {verb} {}",
        "there is no systemd here that could restart a unit",
        &[],
    ),
    named(
        "choose a name with fewer parts",
        "names in a manifest are checked before; src/install/tests/files.rs has one that is too long",
        &[],
    ),
    named(
        "choose an absolute path without \\\"..\\\"",
        "paths in a manifest are checked before; src/install/tests/declared_paths.rs has others",
        &[],
    ),
    mended("choose another path", a_path_of_its_own_is_chosen),
    named(
        "to see the disks that are attached, run: hdiutil info",
        "this is a program of macOS; src/install/tests/memory_disk.rs makes a disk after a failure",
        &[],
    ),
    named(
        "run: diskutil enableOwnership {}",
        "this is a program of macOS; Linux has no mounts that ignore owners",
        &[],
    ),
    named(
        "systemd has no unit of this name; correct restartUnits and reloadUnits",
        "there is no systemd here; src/install/units has the states of units",
        &["sops.secrets.<name>.restartUnits", "sops.secrets.<name>.reloadUnits"],
    ),
    named(
        "write the names of instances in restartUnits and reloadUnits",
        "as above",
        &["sops.secrets.<name>.restartUnits", "sops.secrets.<name>.reloadUnits"],
    ),
    named(
        "in restartUnits and reloadUnits, name the service of the socket",
        "as above",
        &["sops.secrets.<name>.restartUnits", "sops.secrets.<name>.reloadUnits"],
    ),
    named("when a restart does no harm, run: systemctl restart {}", "as above", &[]),
    named(
        "if the list is still there after the switch, run: systemctl try-restart {}",
        "as above",
        &[],
    ),
    named(
        "remove neededForUsers or neededForFileSystems, or choose a path outside homes",
        "homes are made by systemd; src/install/tests has both states",
        &["sops.secrets.<name>.neededForUsers", "sops.secrets.<name>.path"],
    ),
    named(
        "if that process hangs, end it and run this again; to see what it does, run: ps -fp {process}",
        "src/install/tests/locking.rs runs against a lock that is held and given back",
        &[],
    ),
    named("run this again", "tests/contract/budgets.rs ends a run", &[]),
    named(
        "if you started it by hand, start it again; otherwise run: {again}",
        "tests/keys/stopping.rs ends a run; units are started by systemd alone, and tests/nix/boot.sh restarts this one",
        &["sops-nix.service"],
    ),
    named(
        "would run: systemctl {verb} {}",
        "a dry run says what the run would do; nobody has to do it",
        &[],
    ),
    mended("run: df -h; df -i", room_is_made),
    mended(
        "run this as root; in user mode, choose a directory of your own",
        a_place_of_ones_own_is_chosen,
    ),
    mended("choose a path on another file system", a_path_that_can_be_written_is_chosen),
    named(
        "find out what starts this program so often",
        "src/install/live.rs has runs that never end",
        &[],
    ),
    named("to see which process it is, run: fuser -v {}", "as above", &[]),
    named("to see which process it is, run: lsof {}", "as above, on macOS", &[]),
    named("run: hdiutil detach {", "there is no Mac here", &[]),
    mended("run: umount {", another_file_system_is_unmounted),
    mended(
        "unmount it and run this again, or restart the machine",
        what_can_be_swapped_out_is_unmounted,
    ),
    mended("run: umount {}", a_mount_in_place_of_a_link_is_unmounted),
    mended(
        "remove the symlink, or declare the directory that it leads to",
        a_symlinked_mount_point_is_removed,
    ),
    mended("remove the link, and run this again", the_last_number_is_given_up),
    mended("move it away, or choose another path", a_directory_is_moved_away),
    mended(
        "replace the symlink with a directory, or declare the path that the symlink leads to",
        a_foreign_symlink_is_replaced,
    ),
    mended(
        "mount the file system that has it, correct the symlink, or declare the path that the symlink should lead to",
        a_symlink_through_a_missing_directory_is_corrected,
    ),
    mended("choose a directory below XDG_RUNTIME_DIR", a_directory_in_memory_is_chosen),
    mended("choose another directory", another_directory_is_chosen),
    mended("declare the user in users.users, or correct owner", the_owner_is_corrected),
    mended("declare the group in users.groups, or correct group", the_group_is_corrected),
    mended("cannot write {}: {}; run: systemctl {verb} {}", units_are_told_by_hand),
    named(
        "allow this container to mount",
        "that is up to whoever starts the container; tests/contract/mounts.rs has both states",
        &[],
    ),
    named(
        "give the container this number, or set owner to a user that it has",
        "tests/contract/user_namespaces.rs has the container",
        &[],
    ),
    named(
        "give the container this number, or set group to a group that it has",
        "as above",
        &[],
    ),
    named(
        "a container with users of its own cannot have noswap",
        "tests/contract/user_namespaces.rs does what it says",
        &["sops.useTmpfs"],
    ),
    named("noswap needs Linux 6.4", "no such kernel is at hand", &["sops.useTmpfs"]),
    named(
        "repair the faults named above, and run: {again}",
        "units are started by systemd alone; tests/nix/boot.sh restarts this one",
        &["sops-nix.service"],
    ),
    named(
        "to install what the configuration says, run: {again}",
        "as above",
        &["sops-nix.service"],
    ),
    named("systemctl --user restart sops-nix", "as above", &["sops-nix.service"]),
    named("systemctl restart sops-nix", "as above", &["sops-nix.service"]),
    named(
        "systemctl restart {ONLINE_UNIT}",
        "the case an-older-value-until-the-network-is-there says when; the boots with a key service in tests/nix start that unit",
        &["sops.keyServices.enable"],
    ),
    named(
        "systemctl restart sops-install-secrets",
        "these are the units of sops-nix itself",
        &[],
    ),
    named(
        "/run/current-system/activate",
        "there is no NixOS here that could be activated",
        &[],
    ),
    named(
        "{}; run: systemctl {verb} {}",
        "there is no systemd here that could restart a unit",
        &[],
    ),
    named(
        "correct restartUnits and reloadUnits, or run: systemctl {verb} {}",
        "as above",
        &["sops.secrets.<name>.restartUnits", "sops.secrets.<name>.reloadUnits"],
    ),
];

/// A system host with one secret.
fn host() -> Option<Scene> {
    let mut scene = Scene::system()?;
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    Some(scene)
}

fn another_file_system_is_unmounted() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /run/secrets.d other && mount --bind other /run/secrets.d");
    // If this directory is in memory, it can be used.
    if scene.types("stat -f -c %T /run/secrets.d").trim() == "tmpfs" {
        return;
    }
    let line = scene.says("is neither ramfs nor tmpfs");
    scene.does(&line);
    scene.is_mended();
}

fn a_mount_in_place_of_a_link_is_unmounted() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /run/secrets && mount -t tmpfs none /run/secrets");
    let line = scene.says("something is mounted there");
    scene.does(&line);
    scene.types("rmdir /run/secrets");
    scene.is_mended();
}

fn a_symlinked_mount_point_is_removed() {
    let Some(scene) = host() else { return };
    scene.types("mkdir other && ln -s \"$PWD/other\" /run/secrets.d");
    scene.says("cannot open /run/secrets.d: it is a symlink");
    scene.types("rm /run/secrets.d");
    scene.is_mended();
}

fn the_last_number_is_given_up() {
    let Some(scene) = host() else { return };
    scene.is_mended();
    scene.types("mkdir /run/secrets.d/18446744073709551615 && ln -sfn /run/secrets.d/18446744073709551615 /run/secrets");
    scene.says("leads to the generation with the highest possible number");
    scene.types("rm /run/secrets");
    scene.is_mended();
}

fn a_directory_is_moved_away() {
    let Some(mut scene) = host() else { return };
    scene.redeclare("path", "/run/app/key");
    scene.types("mkdir -p /run/app/key/full");
    scene.says("cannot link /run/app/key: a directory is there");
    scene.types("mv /run/app/key /run/app/old");
    scene.is_mended();
}

fn a_foreign_symlink_is_replaced() {
    for declared in ["/run/home/link/key", "/run/home/other/key"] {
        let Some(mut scene) = host() else { return };
        scene.redeclare("path", "/run/home/link/key");
        scene.types(
            "mkdir -p /run/home/other && chown 1000 /run/home && ln -s other /run/home/link && chown -h 1000 /run/home/link",
        );
        scene.says("uid 1000 can change this symlink");
        if declared == "/run/home/link/key" {
            scene.types("rm /run/home/link && mkdir /run/home/link");
        }
        scene.redeclare("path", declared);
        scene.is_mended();
    }
}

fn a_symlink_through_a_missing_directory_is_corrected() {
    for (typed, declared) in [
        ("mount -t tmpfs tmpfs /run/disk && mkdir /run/disk/missing", "/run/link/key"),
        ("ln -sfn real /run/link", "/run/link/key"),
        ("true", "/run/real/key"),
    ] {
        let Some(mut scene) = host() else { return };
        scene.redeclare("path", "/run/link/key");
        scene.types("mkdir -p /run/disk /run/real && ln -s disk/missing/../../real /run/link");
        scene.says("a symlink on the way leads through /run/disk/missing, which does not exist");
        scene.types(typed);
        scene.redeclare("path", declared);
        scene.is_mended();
    }
}

fn a_directory_in_memory_is_chosen() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    if !scene.run().err.contains(" is on a disk, ") {
        return;
    }
    // The run-time directory of the tests is on a disk too.
    let Some(runtime) = in_memory(&scene) else { return };
    scene.variable("XDG_RUNTIME_DIR", &runtime);
    scene.no_longer_says(" is on a disk, ");
    std::fs::remove_dir_all(runtime).unwrap();
}

/// A directory of the user on a tmpfs; `None` if there is no tmpfs.
fn in_memory(scene: &Scene) -> Option<String> {
    let said = scene.tries("[ \"$(stat -f -c %T /dev/shm)\" = tmpfs ] && mktemp -d /dev/shm/remedy-XXXXXX");
    let directory = said.out.trim().to_owned();
    (!directory.is_empty()).then(|| {
        scene.world.allow(&directory);
        directory
    })
}

fn another_directory_is_chosen() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    if !crate::common::is_root() {
        return;
    }
    let foreign = scene.world.input("run/foreign");
    std::fs::create_dir(&foreign).unwrap();
    scene.set("secretsMountPoint", foreign.to_str().unwrap());
    scene.says("choose another directory");
    scene.set("secretsMountPoint", "%r/secrets.d");
    scene.is_mended();
}

fn the_owner_is_corrected() {
    let Some(mut scene) = host() else { return };
    scene.redeclare("owner", "nobody-here");
    scene.says("there is no user \"nobody-here\"; declare the user in users.users, or correct owner");
    scene.redeclare("owner", "alice");
    scene.is_mended();
    scene.redeclare("owner", "bob");
    scene.says("there is no user \"bob\"");
    scene.types("echo bob:x:1234:100::/:/bin/sh >> /etc/passwd");
    scene.is_mended();
}

fn the_group_is_corrected() {
    let Some(mut scene) = host() else { return };
    scene.redeclare("group", "nobody-here");
    scene.says("there is no group \"nobody-here\"; declare the group in users.groups, or correct group");
    scene.redeclare("group", "keys");
    scene.is_mended();
}

/// Tests two cases that have different messages: a file system without space for the content of a file, and one without room for
/// one more file.
fn room_is_made() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /run/full && mount -t tmpfs -o nr_inodes=1 none /run/full");
    scene.types("mkdir /run/secrets.d && mount --bind /run/full /run/secrets.d");
    let line = scene.says("no space left on device; to see which file system is full, ");
    let full = scene.types(command(&line));
    let used = full.lines().find(|line| line.ends_with("/run/full") && line.contains("100%"));
    assert!(used.is_some(), "{full}");
    scene.types("mount -o remount,nr_inodes=100 /run/secrets.d");
    scene.is_mended();
}

fn a_place_of_ones_own_is_chosen() {
    let Some(mut scene) = Scene::new() else { return };
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.declare(&path, "a", json!({}));
    if !crate::common::is_root() {
        return;
    }
    let own = scene.manifest.field("symlinkPath").unwrap().clone();
    scene.set("symlinkPath", "/usr/not-ours/secrets");
    scene.says("cannot make the directory /usr/not-ours: permission denied; run this as root; in user mode, choose");
    scene.set("symlinkPath", own);
    scene.is_mended();
}

fn a_path_that_can_be_written_is_chosen() {
    let Some(mut scene) = host() else { return };
    scene.types("mkdir /run/closed && mount -t tmpfs -o ro none /run/closed");
    scene.redeclare("path", "/run/closed/key");
    scene.says("read-only file system; choose a path on another file system, or mount this file system for writing");
    scene.redeclare("path", "/run/open/key");
    scene.is_mended();
    scene.redeclare("path", "/run/closed/key");
    scene.types("mount -o remount,rw /run/closed");
    scene.is_mended();
}

fn units_are_told_by_hand() {
    let Some(mut scene) = host() else { return };
    scene.is_mended();
    scene.redeclare("restartUnits", json!(["web.service", "mail.service"]));
    scene.redeclare("mode", "0440");
    scene.types("rmdir /run/nixos 2> /dev/null; mkdir -p /run/nixos/activation-restart-list");
    let line = scene.says("cannot write /run/nixos/activation-restart-list");
    assert_eq!(command(&line), "systemctl try-restart web.service mail.service");
}

fn what_can_be_swapped_out_is_unmounted() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /run/secrets.d && mount -t tmpfs none /run/secrets.d");
    scene.says("secrets may be written to swap; unmount it and run this again");
    scene.types("umount /run/secrets.d && rm /run/secrets");
    scene.is_mended();
    scene.no_longer_says("swap");
}

/// Tests two conflicts: another spelling of the same directory, and a path below the path of another secret.
fn a_path_of_its_own_is_chosen() {
    for (path, words) in [
        ("/run/alias/key", "choose another"),
        ("/run/alias/key/below", "which is below secret \"s\"; choose another path"),
    ] {
        let Some(mut scene) = host() else { return };
        scene.types("mkdir /run/real && ln -s real /run/alias");
        scene.redeclare("path", "/run/real/key");
        let file = scene.world.input("f.yaml");
        let good = scene.manifest.clone();
        let with = |path: &str| good.clone().secret_with("t", &file, "a", json!({"path": path}));
        scene.manifest = with(path);
        scene.says(words);
        scene.manifest = with("/run/real/other");
        scene.is_mended();
    }
}
