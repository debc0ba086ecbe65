//! The story of one secret: where it comes from, who can open its file, where it is, who may read it and who does.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::Gid;
use serde::Serialize;

use super::{
    entry_status::{self, EntryStatus},
    installation::{HostPhase, Installation},
    phase_status::{record, time},
    who_reads,
};
use crate::{
    install::record::Record,
    keys::{
        Keyring,
        report::recipient::{service_name, shown_age},
    },
    manifest::{Directory, Manifest},
    program::{key_sources, sops_files},
    sops::creation_rules::{RecipientKind, RuleRecipient},
    system::{account_files::members, confinement::Confined, mode::FileMode, root::Root, users::name_of_group},
    text::{identity::without_identity, printable::named},
};

/// The story of one secret or template.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Story {
    /// The option of the configuration.
    pub(crate) option: String,
    /// The phase that installs it.
    pub(crate) phase: HostPhase,
    /// What is there of it.
    pub(crate) entry: EntryStatus,
    /// When its sops file was last changed, as the file says; null for a template, and if the file cannot be read.
    pub(crate) file_changed: Option<String>,
    /// Who can open its sops file.
    pub(crate) recipients: Vec<StoryRecipient>,
    /// The users who may read it, besides root. `everybody` if others than its owner and group may.
    pub(crate) may_read: Vec<String>,
    /// The units that read it, and how.
    pub(crate) readers: Vec<StoryReader>,
    /// When it last changed, in RFC 3339; null if nothing is recorded.
    pub(crate) changed: Option<String>,
    /// The units that were asked to restart or reload then.
    pub(crate) restarted: Vec<String>,
}

/// One recipient of a sops file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct StoryRecipient {
    /// The number of its key group, counted from 1.
    pub(crate) group: usize,
    /// The kind: `age`, `pgp`, or the name of a key service.
    pub(crate) kind: &'static str,
    /// The recipient, as the file names it.
    pub(crate) recipient: String,
    /// Where this host has its key; null if this host does not have it, or only another program knows.
    pub(crate) key: Option<String>,
}

/// A unit that reads it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct StoryReader {
    /// The unit.
    pub(crate) unit: String,
    /// The setting, or `open file`.
    pub(crate) by: String,
}

impl Story {
    /// The stories of the entries that are called `name` in `installation`, one of `all`.
    pub(crate) fn of(name: &str, installation: &Installation, all: &[Installation], root: &Root) -> Vec<Self> {
        let Ok(manifest) = &installation.manifest else {
            return Vec::new();
        };
        let record = record(manifest, root).unwrap_or_default();
        let entries = entry_status::of_all(installation, manifest, Some(&record), root);
        let entries = entries.into_iter().filter(|entry| entry.name == name);
        entries
            .map(|entry| Self::new(entry, &record, installation, manifest, all, root))
            .collect()
    }

    fn new(
        entry: EntryStatus,
        record: &Record,
        installation: &Installation,
        manifest: &Manifest,
        all: &[Installation],
        root: &Root,
    ) -> Self {
        let change = record.changes.get(&entry.place).cloned();
        let own = root.locate(&manifest.link).join(&entry.place);
        let readers = who_reads::of(all, root).into_iter().filter(|reader| reader.at == own);
        let (file_changed, recipients) = file(&entry, installation, manifest, root).unwrap_or_default();
        Self {
            option: format!("sops.{}s.{}", entry.kind, named(&entry.name)),
            phase: installation.phase,
            file_changed,
            recipients,
            may_read: may_read(&entry, &gates(&entry, manifest, root), root),
            readers: readers
                .map(|reader| StoryReader {
                    unit: reader.unit,
                    by: reader.by,
                })
                .collect(),
            changed: change.as_ref().map(|change| time(change.time)),
            restarted: change.map(|change| change.units).unwrap_or_default(),
            entry,
        }
    }
}

/// When the sops file of a secret was changed, and who can open it.
fn file(
    entry: &EntryStatus,
    installation: &Installation,
    manifest: &Manifest,
    root: &Root,
) -> Option<(Option<String>, Vec<StoryRecipient>)> {
    let path = Path::new(entry.sops_file.as_ref()?);
    let facts = sops_files::facts(manifest, Confined::default(), |file| file == path).pop()?;
    let keyring = Keyring::load(&key_sources::sources(manifest, installation.variables(root)));
    let recipients = facts.recipients.iter();
    let recipients = recipients.map(|(group, named)| recipient(*group, named, &keyring)).collect();
    Some((Some(facts.last_modified), recipients))
}

fn recipient(group: usize, named: &RuleRecipient, keyring: &Keyring) -> StoryRecipient {
    let kind = match named.kind {
        RecipientKind::Age => "age",
        RecipientKind::Pgp => "pgp",
        RecipientKind::Remote(service) => service_name(service),
    };
    let recipient = named.name.as_str();
    let shown = shown_age(recipient);
    let identities = keyring.hand.identities.iter();
    let mut identities = identities.filter(|identity| identity.recipient() == recipient || identity.shown() == shown);
    let pgp = keyring
        .hand
        .pgp_keys
        .iter()
        .find(|key| key.0.fingerprint().eq_ignore_ascii_case(recipient));
    let place = identities.next().map(|identity| identity.place().to_string());
    StoryRecipient {
        group,
        kind,
        recipient: without_identity(recipient).to_owned(),
        key: place.or_else(|| pgp.map(|key| key.1.to_string())),
    }
}

/// Those who may pass the directories above an entry that are not open to everybody: for each such directory, the members of its group, or
/// nobody.
fn gates(entry: &EntryStatus, manifest: &Manifest, root: &Root) -> Vec<Vec<String>> {
    // In user mode they belong to the user, whose files these are.
    let directories = manifest.directories.iter().filter(|_| !manifest.user_mode);
    let is_above = |directory: &Directory| Path::new(&entry.place).starts_with(directory.name.as_str());
    let closed = directories.filter(|directory| directory.mode.bits() & 0o001 == 0 && is_above(directory));
    let gate = |directory: &Directory| {
        let at = root.locate(&manifest.link).join(directory.name.as_str());
        let group = at.metadata().map(|there| name_of_group(Gid::from_raw(there.gid())));
        let may_pass = directory.mode.bits() & 0o010 != 0;
        group
            .ok()
            .filter(|_| may_pass)
            .map_or_else(Vec::new, |group| of_group(&group, root))
    };
    closed.map(gate).collect()
}

/// The members of a group.
fn of_group(group: &str, root: &Root) -> Vec<String> {
    members(&root.locate("/etc/group"), &root.passwd(), group)
}

/// The users who may read a file, besides root. They have to be among those who may pass each of the `gates`.
fn may_read(entry: &EntryStatus, gates: &[Vec<String>], root: &Root) -> Vec<String> {
    let bits = FileMode::from_octal(&entry.mode).unwrap_or(FileMode::NONE).bits();
    let mut users = Vec::new();
    match gates {
        [] if bits & 0o004 != 0 => return vec!["everybody".to_owned()],
        [first, ..] if bits & 0o004 != 0 => users.clone_from(first),
        _ => {}
    }
    if bits & 0o400 != 0 {
        users.push(entry.owner.clone());
    }
    if bits & 0o040 != 0 {
        users.extend(of_group(&entry.group, root));
    }
    users.retain(|user| user != "root" && !user.is_empty() && gates.iter().all(|gate| gate.contains(user)));
    users.sort();
    users.dedup();
    users
}
