//! Remedies for the ledger, and for what belongs to former secrets.

use crate::scene::Scene;
use crate::{Row, mended, named};

pub const ROWS: &[Row] = &[
    mended(
        "remove the ledger; the next run begins a new one",
        a_damaged_ledger_is_begun_anew,
    ),
    mended(
        "use the version of this program that wrote the ledger, or remove the ledger",
        a_ledger_of_a_later_version_is_begun_anew,
    ),
    mended(
        "remove this ledger; the next run begins a new one",
        a_ledger_of_somebody_else_is_begun_anew,
    ),
    mended(
        "move it away, or unmount it; if the ledger has to be on another file system, put the whole directory",
        a_mounted_ledger_is_unmounted,
    ),
    mended(
        "make room for the ledger, or mount its file system for writing",
        a_ledger_can_be_written,
    ),
    mended(
        "if it is still there, remove it as a user who may write there; run: ",
        a_link_on_a_read_only_file_system_is_removed,
    ),
    mended("if the link is still there, run: rm ", a_link_behind_a_symlink_is_removed),
    mended("mount its file system, and run this again", a_file_system_is_mounted),
    named(
        "links that lead there stay; to find those in a directory, run: find DIRECTORY -lname ",
        "tests/contract/ledger.rs runs the command in a home that was moved",
        &[],
    ),
    named(
        "to remove the link then, run: rm ",
        "only a file system with a fault prints it; the link is at its declared path, as tests/contract/ledger.rs shows",
        &[],
    ),
];

/// A command that gives a directory a file system of its own.
const MOUNT: &str = "mkdir /etc/app && mount -t tmpfs none /etc/app";

/// A host whose secret has a link outside `/run/secrets`, and so a ledger.
fn host() -> Option<Scene> {
    let mut scene = crate::installing::host()?;
    scene.set("version", 1);
    scene.redeclare("path", "/etc/app/key");
    Some(scene)
}

/// Such a host, on which the secret has lost its path again. `before` was typed before the link was made, and `change` after that.
fn former(before: &str, change: &str) -> Option<Scene> {
    let mut scene = host()?;
    scene.types(before);
    scene.is_mended();
    scene.types(change);
    scene.redeclare("path", "/run/secrets/s");
    Some(scene)
}

fn a_damaged_ledger_is_begun_anew() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /var/lib/sops-nix && echo '{' > /var/lib/sops-nix/ledger.json");
    scene.says("cannot read the ledger /var/lib/sops-nix/ledger.json");
    scene.types("rm /var/lib/sops-nix/ledger.json");
    scene.no_longer_says("ledger");
}

fn a_ledger_of_a_later_version_is_begun_anew() {
    let Some(scene) = host() else { return };
    scene.is_mended();
    scene.types("sed -i 's/\"version\": 1/\"version\": 2/' /var/lib/sops-nix/ledger.json");
    scene.says("has version 2, which this program does not know");
    scene.types("rm /var/lib/sops-nix/ledger.json");
    scene.no_longer_says("ledger");
}

fn a_ledger_of_somebody_else_is_begun_anew() {
    let Some(scene) = host() else { return };
    scene.is_mended();
    scene.types("chmod o+w /var/lib/sops-nix/ledger.json");
    scene.says("other users can have written the ledger");
    scene.types("rm /var/lib/sops-nix/ledger.json");
    scene.no_longer_says("ledger");
}

fn a_mounted_ledger_is_unmounted() {
    let Some(scene) = host() else { return };
    scene.is_mended();
    scene.types("cp /var/lib/sops-nix/ledger.json /var/lib/kept && mount --bind /var/lib/kept /var/lib/sops-nix/ledger.json");
    scene.says("is a symlink, a mount point or no file");
    scene.types("umount /var/lib/sops-nix/ledger.json");
    scene.no_longer_says("ledger");
}

fn a_ledger_can_be_written() {
    let Some(scene) = host() else { return };
    scene.types("mkdir /var/lib/sops-nix && mount -t tmpfs -o ro none /var/lib/sops-nix");
    scene.says("so the links of this run stay when their secrets go");
    scene.types("mount -o remount,rw /var/lib/sops-nix");
    scene.no_longer_says("so the links of this run stay");
}

fn a_link_on_a_read_only_file_system_is_removed() {
    let Some(scene) = former(MOUNT, "mount -o remount,ro /etc/app") else {
        return;
    };
    let line = scene.says("which belongs to a former secret");
    scene.types("mount -o remount,rw /etc/app");
    scene.does(&line);
    scene.no_longer_says("former secret");
    scene.types("test ! -e /var/lib/sops-nix/ledger.json");
}

fn a_link_behind_a_symlink_is_removed() {
    let Some(scene) = former("true", "mv /etc/app /etc/moved && ln -s moved /etc/app") else {
        return;
    };
    let line = scene.says("belonged to a former secret");
    scene.does(&line);
    scene.no_longer_says("former secret");
    scene.types("test ! -L /etc/moved/key");
}

fn a_file_system_is_mounted() {
    let Some(scene) = former(MOUNT, "mkdir /run/away && mount --move /etc/app /run/away") else {
        return;
    };
    scene.says("but nothing is mounted at /etc/app");
    scene.types("mount --move /run/away /etc/app");
    scene.no_longer_says("former secret");
    scene.types("test ! -L /etc/app/key");
}
