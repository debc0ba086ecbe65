//! The remedies about what was made outside the mount point for former secrets.

use serde_json::json;

use crate::scene::{Scene, command};
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    named(
        "to see who can, look at its owner and mode, and at those of the directories above it",
        "tests/contract/ledger.rs has a ledger with other owners and modes",
        &[],
    ),
    mended("to begin a new one, run: mv {} {}", a_new_ledger_is_begun),
    mended("to see whether it is still there, run: ls -l {}", a_link_is_looked_for),
    mended("to remove it, run: rm {}", a_link_is_removed_by_hand),
    mended("if nobody needs it, run: rmdir {}", a_directory_is_removed_by_hand),
    named(
        "move it to where you want it, or remove it",
        "only whoever has replaced the symlink knows where",
        &[],
    ),
    named(
        "find them by its content, and remove them",
        "only whoever made the hard links knows where; tests/contract/copies.rs has one",
        &[],
    ),
    named(
        "if its file system is on a disk, replace the secret by a new one",
        "a file that cannot be overwritten is one that a program runs, or that is on a broken disk",
        &[],
    ),
    named(
        "restart the host, or to remove it all the same, run: sops-nix forget --yes",
        "the case a-copy of sops-nix forget types it",
        &[],
    ),
    mended("if nothing needs it, run: rm {}", a_changed_copy_is_removed_by_hand),
    mended(
        "it may have the text of the secret, and stays: if nobody needs it, run: rm {}",
        a_copy_that_was_moved_aside_is_removed_by_hand,
    ),
    mended(
        "choose a path below /run, or if plaintext on the disk is meant, set copyToDisk to true",
        plaintext_on_a_disk_is_meant,
    ),
    named(
        "choose a path below /run, or if plaintext on that file system is meant, set copyToDisk to true",
        "as the remedy above; a file system that never answers would let the test wait",
        &["sops.secrets.<name>.copyToDisk"],
    ),
    mended("set install to \\\"link\\\"", a_copy_becomes_a_link),
    named(
        "take its secrets and templates out of the configuration, and switch",
        "the case no-secret-any-more of sops-nix forget has a configuration without secrets",
        &[],
    ),
    mended("to put it back, run: mv {} {}", a_changed_file_is_put_back),
    named(
        "restart the host, or to remove the links all the same, run: sops-nix forget --yes",
        "the case no-secret-any-more of sops-nix forget types it",
        &[],
    ),
    named(
        "set HOME, and type this again",
        "every other call of a plain user has HOME",
        &[],
    ),
];

/// A host with a secret that has a symlink at `/run/top/app/key`, which is made.
fn host() -> Option<Scene> {
    let mut scene = Scene::system()?;
    let path = scene.encrypted("f.yaml", "a: one\n");
    scene.set("version", 1);
    // This file system stands for a disk: what is in memory would be gone with its file system.
    scene.types("mkdir /run/lower /run/upper /run/work /run/top");
    scene.types("mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /run/top");
    scene.declare(&path, "a", json!({"path": "/run/top/app/key"}));
    scene.is_mended();
    Some(scene)
}

/// Takes the symlink out of the configuration.
fn undeclare(scene: &mut Scene) {
    scene.redeclare("path", "/run/secrets/s");
}

fn a_new_ledger_is_begun() {
    let Some(mut scene) = host() else { return };
    scene.types("echo > /var/lib/sops-nix/ledger.json");
    scene.redeclare("path", "/run/top/app/other");
    let line = scene.says("may stay when their secrets go: cannot use the ledger");
    scene.types(command(&line));
    scene.types("rm /run/top/app/other");
    scene.no_longer_says("ledger");
    undeclare(&mut scene);
    scene.is_mended();
    assert_eq!(scene.types("ls /run/top/app"), "key\n");
}

fn a_link_is_looked_for() {
    let Some(mut scene) = host() else { return };
    scene.types("umount /run/top");
    undeclare(&mut scene);
    let line = scene.says("was not looked for");
    let found = scene.types(&format!("{} 2>&1 || :", command(&line)));
    assert!(found.contains("No such file"), "{found}");
    scene.no_longer_says("was not looked for");
}

fn a_link_is_removed_by_hand() {
    let Some(mut scene) = host() else { return };
    scene.types("mount --bind /run/top /run/top && mount -o remount,bind,ro /run/top");
    undeclare(&mut scene);
    let line = scene.says("of a former secret stays: cannot remove /run/top/app/key: read-only file system");
    scene.types("umount /run/top");
    scene.types(command(&line));
    scene.no_longer_says("stays");
    assert_eq!(scene.types("ls /run/top; ls /var/lib/sops-nix"), "");
}

fn a_directory_is_removed_by_hand() {
    let Some(mut scene) = host() else { return };
    scene.types("mount --bind /run/top/app /run/top/app");
    undeclare(&mut scene);
    let line = scene.says("the directory /run/top/app, made for former secrets, stays: cannot remove /run/top/app: ");
    scene.types("umount /run/top/app");
    scene.types(command(&line));
    scene.no_longer_says("stays");
    assert_eq!(scene.types("ls /run/top; ls /var/lib/sops-nix"), "");
}

fn a_changed_file_is_put_back() {
    let Some(mut scene) = host() else { return };
    scene.types("echo precious > /run/top/app/file");
    scene.redeclare("path", "/run/top/app/file");
    scene.is_mended();
    scene.types("echo more >> /run/top/app/file.sops-backup");
    undeclare(&mut scene);
    let line = scene.says("is not the file that was moved aside");
    scene.types(command(&line));
    assert_eq!(scene.types("cat /run/top/app/file"), "precious\nmore\n");
    scene.no_longer_says("moved aside");
}

fn plaintext_on_a_disk_is_meant() {
    let Some(mut scene) = host() else { return };
    scene.world.allow("/run/top");
    scene.world.allow("/run/upper");
    scene.redeclare("install", "copy");
    scene.says(
        "would be plaintext on a disk; choose a path below /run, or if plaintext on the disk is meant, set copyToDisk to true",
    );
    scene.redeclare("copyToDisk", true);
    scene.is_mended();
    scene.redeclare("copyToDisk", false);
    scene.world.allow("/run/memory");
    scene.redeclare("path", "/run/memory/key");
    scene.is_mended();
}

fn a_changed_copy_is_removed_by_hand() {
    let Some(mut scene) = host() else { return };
    scene.world.allow("/run/memory");
    scene.redeclare("install", "copy");
    scene.redeclare("path", "/run/memory/key");
    scene.is_mended();
    scene.types("echo >> /run/memory/key");
    scene.redeclare("install", "link");
    undeclare(&mut scene);
    let line = scene.says("somebody has changed it since");
    scene.types(command(&line));
    assert_eq!(scene.types("ls /run/memory"), "");
}

fn a_copy_that_was_moved_aside_is_removed_by_hand() {
    let Some(mut scene) = host() else { return };
    scene.world.allow("/run/memory");
    scene.redeclare("install", "copy");
    scene.redeclare("path", "/run/memory/key");
    scene.is_mended();
    scene.types("echo >> /run/memory/key");
    let line = scene.says("because a copy belongs in its place");
    scene.types(command(&line));
    assert_eq!(scene.types("ls /run/memory"), "key\n");
    scene.is_mended();
}

fn a_copy_becomes_a_link() {
    let Some(mut scene) = host() else { return };
    scene.redeclare("path", "/run/secrets/other");
    scene.redeclare("install", "copy");
    scene.says("is among the secrets themselves");
    scene.redeclare("install", "link");
    scene.is_mended();
}
