//! Finds conflicts between entries that are valid on their own.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    convert::Entries,
    declaration::{Account, MOCK_MARK, Manifest},
    findings::Findings,
    named_entry::NamedEntry,
    overlap, written_files,
};
use crate::{
    install::{InstallError, is_reserved, rendered},
    text::printable::{named, shown},
};

/// Finds entries that cannot all be installed. If a manifest without `version` declares one place twice, the last entry counts, as in
/// the Go program of sops-nix. The other entries are removed.
pub(crate) fn collisions(manifest: &Manifest, mut entries: Entries, findings: &mut Findings) -> Entries {
    places(&entries, findings);
    if manifest.is_mock {
        mark(&entries, findings);
    }
    directories(manifest, &entries, findings);
    tokens(manifest, findings);
    nested_mounts(manifest, findings);
    same_places(&mut entries, findings);
    same_links(manifest, &mut entries, findings);
    written_files::conflicts(manifest, &entries, findings);
    entries
}

/// Finds entries whose place would be both a file and a directory.
fn places(entries: &Entries, findings: &mut Findings) {
    let places: BTreeMap<_, _> = all_places(entries).collect();
    for (place, what) in &places {
        for parent in parents(place) {
            if let Some(other) = places.get(parent) {
                findings.error(
                    format!("{other} would be both a file and the directory that holds {what}"),
                    "rename one of the two",
                );
            }
        }
    }
}

/// Finds entries at or below the place of the mark of a mock.
fn mark(entries: &Entries, findings: &mut Findings) {
    for (place, what) in all_places(entries) {
        if place.split('/').next() == Some(MOCK_MARK) {
            let finding = format!("{what} is at {MOCK_MARK}, the place of the file that marks the secrets as dummies");
            findings.error(finding, "rename it, or set sops.mock to false");
        }
    }
}

/// Finds directories that nothing lies in, and those that the owner of something in them cannot enter.
fn directories(manifest: &Manifest, entries: &Entries, findings: &mut Findings) {
    let secrets = entries.secrets.iter();
    let secrets = secrets.map(|secret| (of_secret(&secret.name), &secret.placement));
    let templates = entries.templates.iter();
    let templates = templates.map(|template| (of_template(&template.name), &template.placement));
    let all: Vec<_> = secrets.chain(templates).collect();
    for directory in &manifest.directories {
        let name = directory.name.as_str();
        let what = NamedEntry::Directory(name);
        let mut below = all
            .iter()
            .filter(|((place, _), _)| parents(place).any(|parent| parent == name))
            .peekable();
        if below.peek().is_none() {
            findings.error(
                format!("no secret and no template lies in {what}"),
                "correct its name, or remove it",
            );
        }
        // Who is in a group is known on the host alone.
        let is_of_root = directory.mode.bits() & 0o011 == 0 && !manifest.user_mode;
        for ((_, entry), placement) in below.filter(|_| is_of_root) {
            if !is_root(&placement.owner) {
                findings.error(
                    format!("only root can enter {what}, but {entry} in it belongs to another user"),
                    "set the mode of the directory to \"0711\", or remove the owner",
                );
            }
        }
    }
}

fn is_root(owner: &Account) -> bool {
    match owner {
        Account::Name(name) => name == "root",
        Account::Id(id) => *id == 0,
    }
}

/// The place of each entry below the link.
fn all_places(entries: &Entries) -> impl Iterator<Item = (Cow<'_, str>, NamedEntry<'_>)> {
    let secrets = entries.secrets.iter().map(|secret| of_secret(&secret.name));
    let templates = entries.templates.iter().map(|template| of_template(&template.name));
    secrets.chain(templates)
}

fn of_secret(name: &str) -> (Cow<'_, str>, NamedEntry<'_>) {
    (Cow::Borrowed(name), NamedEntry::Secret(name))
}

fn of_template(name: &str) -> (Cow<'_, str>, NamedEntry<'_>) {
    (Cow::Owned(rendered(name)), NamedEntry::Template(name))
}

/// The places that contain `place`: for `a/b/c`, they are `a` and `a/b`.
fn parents(place: &str) -> impl Iterator<Item = &str> {
    place.match_indices('/').filter_map(|(slash, _)| place.get(..slash))
}

/// Finds placeholders that stand for two secrets.
fn tokens(manifest: &Manifest, findings: &mut Findings) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for placeholder in &manifest.placeholders {
        if let Some(first) = seen.insert(&placeholder.token, &placeholder.secret) {
            let finding = format!(
                "secrets {} and {} have the same placeholder {}",
                named(first),
                named(&placeholder.secret),
                named(&placeholder.token)
            );
            findings.error(finding, "choose another placeholder for one of them");
        }
    }
}

/// Finds out whether the link lies inside the mount point, or the mount point below the link.
fn nested_mounts(manifest: &Manifest, findings: &mut Findings) {
    let (link, mount_point) = (&manifest.link, &manifest.mount_point);
    // A path is empty if it was not valid. An error for it has been noted already, so the paths are not compared.
    let are_known = !link.as_os_str().is_empty() && !mount_point.as_os_str().is_empty();
    if are_known && link.starts_with(mount_point) {
        findings
            .errors
            .push(InstallError::link_in_mount_point(link, mount_point).diagnosis);
    } else if are_known && mount_point.starts_with(link) {
        findings
            .errors
            .push(InstallError::mount_point_below_link(link, mount_point).diagnosis);
    }
}

/// Finds secrets or templates that have the same name, and secrets at the place of a template. The last entry of each place is kept.
fn same_places(entries: &mut Entries, findings: &mut Findings) {
    let mut places: Vec<_> = all_places(entries).zip(0..).collect();
    // Entries of one place stay in the order of the manifest.
    places.sort_by(|((one, _), _), ((other, _), _)| one.cmp(other));
    let mut superseded: HashSet<usize> = HashSet::new();
    for holders in places.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let [before @ .., ((place, _), _)] = holders else { continue };
        if before.is_empty() {
            continue;
        }
        superseded.extend(before.iter().map(|(_, position)| *position));
        let mut whats: Vec<_> = holders.iter().map(|((_, what), _)| what.to_string()).collect();
        whats.dedup();
        let finding = match whats.as_slice() {
            [what] => format!("{what} is declared {} times", holders.len()),
            _ => format!("{} would both be published as {}", whats.join(" and "), named(place)),
        };
        findings.forgivable(finding, "only the last one counts", "remove or rename all but one");
    }
    let secrets = entries.secrets.len();
    let is_kept = |position: Option<usize>| position.is_none_or(|position| !superseded.contains(&position));
    let mut positions = 0..;
    entries.secrets.retain(|_| is_kept(positions.next()));
    let mut positions = secrets..;
    entries.templates.retain(|_| is_kept(positions.next()));
}

/// Finds two entries with the same declared path, and declared paths above or below the place of another entry.
fn same_links(manifest: &Manifest, entries: &mut Entries, findings: &mut Findings) {
    let link = &manifest.link;
    let secrets = entries.secrets.iter_mut();
    let secrets = secrets.map(|secret| (of_secret(&secret.name), &mut secret.placement));
    let templates = entries.templates.iter_mut();
    let templates = templates.map(|template| (of_template(&template.name), &mut template.placement));
    let placements: Vec<_> = secrets.chain(templates).collect();
    if placements.iter().all(|(_, placement)| placement.path.is_none()) {
        return;
    }
    let own_places = placements.iter().map(|((place, what), _)| (link.join(&**place), *what));
    let mut taken: BTreeMap<PathBuf, NamedEntry<'_>> = own_places.collect();
    // The entries are examined from the last to the first, so that the last entry keeps the place.
    for ((_, what), placement) in placements.into_iter().rev() {
        let Some(path) = placement.path.clone() else { continue };
        if let Some(other) = taken.get(&path) {
            let finding = format!("{what} and {other} both have the path {}", shown(&path));
            findings.forgivable(finding, &format!("only {other} is published there"), "choose another path");
            placement.path = None;
        } else {
            within(what, &path, manifest.mount_point.as_path(), link, &taken, findings);
            taken.insert(path, what);
        }
    }
}

/// Checks the place of a symlink at a declared path.
///
/// The symlink must not be above or below another entry, and not at or above the link or the mount point. In the mount point,
/// its name must not be reserved. A manifest with `version` must not put symlinks into the mount point at all. The Go program
/// of sops-nix allows such symlinks, so without `version` there is only a warning. Only the texts of paths are compared here.
/// An installation also compares the directories to which the paths lead.
fn within(
    what: NamedEntry<'_>,
    path: &Path,
    mount_point: &Path,
    link: &Path,
    taken: &BTreeMap<PathBuf, NamedEntry<'_>>,
    findings: &mut Findings,
) {
    let among = path.strip_prefix(mount_point).ok();
    let is_reserved = |below: &Path| below.components().next().is_none_or(|first| is_reserved(first.as_os_str()));
    if mount_point.starts_with(path) || link.starts_with(path) || among.is_some_and(is_reserved) {
        findings.error(
            format!("{what} has the path {}, which this program itself needs", shown(path)),
            "choose another path",
        );
        return;
    }
    if among.is_some() {
        findings.forgivable(
            format!("{what} has the path {}, which is inside secretsMountPoint", shown(path)),
            "its link is made in the directory of the generations",
            "choose a path outside secretsMountPoint",
        );
    }
    let below = overlap::above(taken, path).map(|other| ("below", other));
    let conflict = below.or_else(|| Some(("above", overlap::at_or_below(taken, path)?)));
    if let Some((side, other)) = conflict {
        findings.error(
            format!("{what} has the path {}, which is {side} {other}", shown(path)),
            "choose another path",
        );
    }
}
