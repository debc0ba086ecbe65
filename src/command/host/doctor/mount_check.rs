//! Examines the file systems that secrets lie on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::finding::{HostFinding, Subject};
use crate::{
    manifest::Manifest,
    system::root::Root,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// One mount, as `proc_pid_mountinfo`(5) has it.
struct MountLine<'t> {
    /// The device, as `major:minor`.
    device: &'t str,
    /// The directory of the file system that is mounted.
    directory: &'t str,
    /// Where it is mounted.
    place: PathBuf,
    /// The type of the file system.
    kind: &'t str,
    /// The options of the file system.
    options: &'t str,
}

impl<'t> MountLine<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let before: Vec<_> = before.split(' ').collect();
        let [_, _, device, directory, place, ..] = before.as_slice() else {
            return None;
        };
        let mut after = after.split(' ');
        Some(Self {
            device,
            directory,
            place: PathBuf::from(place.replace("\\040", " ")),
            kind: after.next()?,
            options: after.nth(1).unwrap_or_default(),
        })
    }

    fn is_in_memory(&self) -> bool {
        matches!(self.kind, "tmpfs" | "ramfs")
    }

    fn may_be_swapped(&self) -> bool {
        self.kind == "tmpfs" && !self.options.split(',').any(|option| option == "noswap")
    }
}

/// What is wrong with the file systems of the generations and of copies.
pub(crate) fn of(manifest: &Manifest, root: &Root) -> Vec<HostFinding> {
    let text = fs::read_to_string(root.mounts()).unwrap_or_default();
    let mounts: Vec<_> = text.lines().filter_map(MountLine::parse).collect();
    let mount_point = root.locate(&manifest.mount_point);
    let Some(around) = around(&mounts, &mount_point) else {
        return Vec::new();
    };
    let diagnoses = if mount_point.is_dir() {
        medium(&mount_point, around, manifest, root)
    } else {
        None
    };
    let old = stale(manifest, around, &mounts, root);
    let swapped = swapped_copies(manifest, &mounts, root);
    let diagnoses = diagnoses.into_iter().chain(old).chain(swapped);
    diagnoses
        .map(|diagnosis| HostFinding::new(Subject::Mount, diagnosis))
        .collect()
}

/// The mount on which `path` lies. Of several mounts on one place, the last is seen.
fn around<'m, 't>(mounts: &'m [MountLine<'t>], path: &Path) -> Option<&'m MountLine<'t>> {
    let around = mounts.iter().filter(|mount| path.starts_with(&mount.place));
    around.max_by_key(|mount| mount.place.components().count())
}

/// The diagnosis of copies of the system that can be swapped out to a disk.
fn swapped_copies(manifest: &Manifest, mounts: &[MountLine<'_>], root: &Root) -> Option<Diagnosis> {
    if manifest.user_mode || !swaps(root) {
        return None;
    }
    // Symlinks may lead into memory, as `/var/run` does.
    let may_be_swapped = |path: &PathBuf| {
        let resolved = fs::canonicalize(path);
        around(mounts, resolved.as_ref().unwrap_or(path)).is_some_and(MountLine::may_be_swapped)
    };
    let copies = manifest.placements().filter(|placement| placement.at_path.is_copy());
    let paths = copies.filter_map(|copy| copy.path.as_ref().map(|path| root.locate(path)));
    let paths: Vec<_> = paths.filter(may_be_swapped).map(|path| shown(&path)).collect();
    let cause = || {
        format!(
            "copies of secrets are on a tmpfs without noswap, and this host swaps, so they may get to the disk: {}",
            paths.join(", ")
        )
    };
    let remedy = "encrypt the swap space by swapDevices.*.randomEncryption, and restart the machine";
    (!paths.is_empty()).then(|| Diagnosis::new(cause(), remedy))
}

/// The diagnosis of a mount point whose content can get to a disk. That root must not write to a disk is a refusal of the installer. In
/// user mode it may be swapped out, because a plain user cannot mount, and the documents say so.
fn medium(mount_point: &Path, around: &MountLine<'_>, manifest: &Manifest, root: &Root) -> Option<Diagnosis> {
    let place = shown(mount_point);
    if manifest.user_mode {
        let remedy = "choose a directory below XDG_RUNTIME_DIR (%r)";
        let diagnosis = || Diagnosis::new(format!("{place} is on a disk, and not in memory"), remedy);
        return (!around.is_in_memory()).then(diagnosis);
    }
    let cause = format!("{place} is on a tmpfs without noswap, and this host swaps: secrets may get to the disk");
    let remedy =
        "set sops.useTmpfs = false, or encrypt the swap space by swapDevices.*.randomEncryption, and restart the machine";
    (around.may_be_swapped() && swaps(root)).then(|| Diagnosis::new(cause, remedy))
}

/// Whether something can be swapped out to a disk. What is swapped to zram stays in memory.
fn swaps(root: &Root) -> bool {
    let text = fs::read_to_string(root.locate("/proc/swaps")).unwrap_or_default();
    text.lines().skip(1).any(|line| !line.starts_with("/dev/zram"))
}

/// The diagnoses of directories of an old generation that are mounted somewhere else.
fn stale(manifest: &Manifest, own: &MountLine<'_>, mounts: &[MountLine<'_>], root: &Root) -> Vec<Diagnosis> {
    let live = fs::canonicalize(root.locate(&manifest.link)).ok();
    let live = live.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    // A directory that is bound there is a part of a file system with much else.
    if own.place != root.locate(&manifest.mount_point) || own.directory != "/" {
        return Vec::new();
    }
    let others = mounts
        .iter()
        .filter(|mount| mount.device == own.device && mount.place != own.place);
    let old = others.filter(|mount| {
        let generation = mount.directory.split('/').nth(1).unwrap_or_default();
        !generation.is_empty() && Some(generation) != live
    });
    old.map(|mount| {
        let cause = format!(
            "{} shows secrets of an old generation: the directory was bound there before they changed",
            shown(&mount.place)
        );
        let remedy = format!(
            "mount it again from {}, each time after secrets change",
            shown(&manifest.link)
        );
        Diagnosis::new(cause, remedy)
    })
    .collect()
}
