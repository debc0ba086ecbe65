//! Examines the keys of this host.

use std::path::{Path, PathBuf};

use super::finding::{HostFinding, Subject};
use crate::{
    command::{
        host::{
            installation::Installation,
            unit_file::{self, UnitFile},
        },
        public_half::public_key_in,
    },
    keys::{MAX_SSH_KEY_BYTES, Notice, SshRecipients},
    manifest::Manifest,
    program::{rehearsal::Rehearsal, sops_files::FileFacts},
    sops::creation_rules::RecipientKind,
    system::{budget, confinement::Confined, read::Reader, root::Root},
    text::{diagnosis::Diagnosis, printable::shown, shell},
};

/// How many characters two recipients have in common at their beginning if a person takes one for the other: `age1` and eight more.
const ALIKE: usize = 12;

/// File systems that NixOS mounts before it runs anything else.
const FIRST: [&str; 9] = [
    "/",
    "/etc",
    "/nix",
    "/nix/store",
    "/usr",
    "/var",
    "/var/lib",
    "/var/lib/nixos",
    "/var/log",
];

/// What is wrong with the keys that a manifest names. `unit` is the unit that installs it; without one, a script does, or a user's
/// service manager, which starts when all file systems are there.
pub(crate) fn of(
    installation: &Installation,
    manifest: &Manifest,
    rehearsal: &Rehearsal,
    facts: &[FileFacts],
    unit: Option<&UnitFile>,
    root: &Root,
) -> Vec<HostFinding> {
    let notices = rehearsal.notices.iter().filter_map(told);
    let paths = paths(manifest);
    let late = later_file_systems(&unit_file::text(&root.locate("/etc/fstab")).unwrap_or_default());
    let at_boot = paths.iter().filter(|_| installation.user.is_none());
    let late = at_boot.filter_map(|path| too_late(path, &late, unit));
    let halves = manifest.age_ssh_key_paths.iter().chain(&manifest.ssh_key_paths);
    let mut reader = Reader::new(Confined::default(), budget::KEY_FILES);
    let halves: Vec<_> = halves.filter_map(|path| of_another_key(path, &mut reader)).collect();
    let diagnoses = notices.chain(late).chain(halves).chain(alike(facts, rehearsal));
    diagnoses.map(|diagnosis| HostFinding::new(Subject::Key, diagnosis)).collect()
}

/// What a notice says, unless it is no fault.
fn told(notice: &Notice) -> Option<Diagnosis> {
    match notice {
        Notice::Imported { .. } | Notice::ImportedForPgp { .. } | Notice::OwnKeys(_) => None,
        notice => Some(notice.diagnosis()),
    }
}

/// The paths of all keys that a manifest names, without one that may come late.
fn paths(manifest: &Manifest) -> Vec<&PathBuf> {
    let ssh = manifest.age_ssh_key_paths.iter().chain(&manifest.ssh_key_paths);
    let age = manifest.age_key_file.iter().filter(|_| manifest.late_key_file().is_none());
    ssh.chain(age).chain(&manifest.gnupg_home).collect()
}

/// The file systems in the text of fstab(5) that are mounted after the first programs have run.
fn later_file_systems(fstab: &str) -> Vec<PathBuf> {
    let lines = fstab.lines().filter(|line| !line.trim_start().starts_with('#'));
    let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let later = fields.filter_map(|fields| match fields.as_slice() {
        [_, place, _, options, ..] if !options.split(',').any(|option| option == "x-initrd.mount") => Some(PathBuf::from(place)),
        _ => None,
    });
    later
        .filter(|place| !FIRST.iter().any(|first| place == Path::new(first)))
        .collect()
}

/// The diagnosis of a key on a file system that may be mounted only after the key is needed. A unit waits for it by
/// `RequiresMountsFor`.
fn too_late(path: &Path, later: &[PathBuf], unit: Option<&UnitFile>) -> Option<Diagnosis> {
    let place = later.iter().filter(|place| path.starts_with(place));
    let place = place.max_by_key(|place| place.components().count())?;
    let waits = |unit: &UnitFile| {
        let values = unit.values("RequiresMountsFor");
        let mut words = values.iter().flat_map(|value| value.split_whitespace());
        words.any(|word| Path::new(word.trim_matches('"')).starts_with(place))
    };
    if unit.is_some_and(waits) {
        return None;
    }
    Some(Diagnosis::new(
        format!(
            "the key {} is on the file system {}, which is mounted after the key is needed at boot",
            shown(path),
            shown(place)
        ),
        format!(
            "set fileSystems.\"{}\".neededForBoot = true, or move the key to another file system",
            place.display()
        ),
    ))
}

/// The diagnosis of an SSH key beside which the public half of another key lies: whoever takes the recipient from there encrypts for a
/// key that this host does not have.
fn of_another_key(path: &Path, reader: &mut Reader) -> Option<Diagnosis> {
    let beside = path.with_added_extension("pub");
    let half = public_key_in(&beside, reader)?;
    let private = reader.read(path, MAX_SSH_KEY_BYTES).ok()?;
    let own = SshRecipients::of_private(private.text.expose()).ok()?;
    (half.ssh != own.ssh).then(|| {
        Diagnosis::new(
            format!("{} is the public half of another key than {}", shown(&beside), shown(path)),
            format!("run: ssh-keygen -y -f {} > {}", shell::path(path), shell::path(&beside)),
        )
    })
}

/// Recipients of sops files that begin like one of this host, and are others.
fn alike(facts: &[FileFacts], rehearsal: &Rehearsal) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for file in facts {
        let recipients = file.recipients.iter().map(|(_, recipient)| recipient);
        let of_age = recipients.filter(|recipient| recipient.kind == RecipientKind::Age);
        for recipient in of_age.map(|recipient| recipient.name.as_str()) {
            let own = rehearsal.recipients.iter().find(|own| is_alike(own, recipient));
            found.extend(own.map(|own| {
                Diagnosis::new(
                    format!(
                        "{} is encrypted for {recipient}, which looks like {own} of this host, but is another key",
                        shown(&file.path)
                    ),
                    format!("compare the two to the end, and replace it in .sops.yaml by {own} if that is meant"),
                )
            }));
        }
    }
    found
}

/// Whether two age recipients are different, and begin alike.
fn is_alike(one: &str, other: &str) -> bool {
    let beginning = one.get(..ALIKE);
    one != other && one.starts_with("age1") && beginning.is_some() && beginning == other.get(..ALIKE)
}
