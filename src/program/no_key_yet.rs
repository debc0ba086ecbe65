//! Whether this host has no key yet: a host that never had one, on which nothing is missing that was ever there.
//!
//! A key that is only out of sight must not be taken for one that was never made: then secrets would be missing on a host that had them, and
//! nothing would have failed. So this state is a claim that needs evidence, and every doubt is against it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    environment::Environment,
    history::{self, is_missing},
    new_key::NewKey,
    no_key_mark::NoKeyMark,
    sops_files,
};
use crate::{
    install::{record, units},
    keys::{KeyKind, KeySources},
    manifest::{Manifest, Phase},
    sops::creation_rules::RecipientKind,
    system::{
        budget,
        read::{ReadError, Reader},
        root::{Root, SSHD},
    },
    text::{diagnosis::Diagnosis, printable::shown},
};

/// What follows when the key is made.
const THEN: &str = "run sops updatekeys for its files, and deploy them; then";

/// That this host has no key yet.
pub(crate) struct NoKeyYet {
    /// What is to be said of it.
    pub(crate) note: Diagnosis,
    /// The key that this host has made since it was started, if it has made one.
    new_key: Option<NewKey>,
}

/// A key file that the configuration names.
struct NamedKey<'s> {
    path: &'s Path,
    kind: KeyKind,
}

/// Looks whether this host has no key yet, for a run that publishes `manifest`. Leaves a mark for whoever asks later, or takes it away;
/// a dry run does neither. A new key counts in one run only: after that, somebody may have encrypted files to it.
pub(crate) fn look(manifest: &Manifest, sources: &KeySources, environment: &Environment, root: &Root) -> Option<Diagnosis> {
    if manifest.user_mode {
        return None;
    }
    let mark = NoKeyMark::beside(&root.locate(&manifest.link));
    // Whoever types a switch is there to make the key, and hears of a failure at once.
    let may_lack_key = environment.may_lack_key && !units::is_switch_running(&root.unit_lists());
    let history = environment.history.as_ref().filter(|_| may_lack_key);
    let (found, old) = match history.and_then(|history| NoKeyYet::of(manifest, sources, history, root)) {
        Some(found) if found.new_key.is_some() && mark.is_there() => (None, found.new_key),
        found => (found, None),
    };
    let note = found.map(|found| found.note);
    if !environment.dry_run {
        old.into_iter().for_each(NewKey::forget);
        if let Err(warning) = mark.set(note.as_ref()) {
            tracing::warn!("{warning}");
        }
    }
    note
}

impl NoKeyYet {
    /// That this host has no key yet; `None` if it has one, had one, or may have had one. The evidence for it is all of this:
    ///
    /// - The configuration wants it (by `history`), and names key files alone. Each of them is missing, or was made since this host was started.
    /// - No sops file was ever opened here, as far as `history` says, and nothing was published or has failed since this host was started.
    /// - Each sops file can be read, and names nobody but holders of such keys.
    pub(crate) fn of(manifest: &Manifest, sources: &KeySources, history: &Path, root: &Root) -> Option<Self> {
        let can_be = !manifest.is_of_sops_nix && !manifest.is_mock && !manifest.user_mode && manifest.phase != Phase::FileSystems;
        if !can_be || !history::is_blank(&root.locate(history)) || was_published(manifest, root) {
            return None;
        }
        let keys = named_keys(sources)?;
        let new_key = NewKey::of(root);
        let is_new = |key: &NamedKey<'_>| new_key.as_ref().is_some_and(|new| new.is_in(key.path));
        let mut reader = Reader::new(sources.thread.clone(), budget::KEY_FILES);
        let (new, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_new);
        if !others.iter().all(|key| was_never_made(key.path, &mut reader)) || !are_for_keys(manifest, sources) {
            return None;
        }
        let new_key = new_key.filter(|_| !new.is_empty());
        let note = match &new_key {
            Some(key) => just_made(&key.recipient),
            None => missing(others)?,
        };
        Some(Self { note, new_key })
    }
}

/// Whether anything was published, or has failed, since this host was started.
fn was_published(manifest: &Manifest, root: &Root) -> bool {
    let record = root.locate(&manifest.mount_point).join(record::NAME);
    ![root.locate(&manifest.link), record].iter().all(|path| is_missing(path))
}

/// The key files of this host. `None` if it has another source of keys: nobody can tell whether that never had a key.
fn named_keys(sources: &KeySources) -> Option<Vec<NamedKey<'_>>> {
    let has_others = sources.age_key.is_some()
        || sources.age_key_credential.is_some()
        || sources.age_key_command.is_some()
        || sources.ssh_key_command.is_some()
        || sources.gpg.is_some();
    let identities = sources.age_key_files.iter().map(|file| NamedKey {
        path: &file.path,
        kind: KeyKind::Identities,
    });
    let ssh = sources.ssh_keys.iter().map(|key| NamedKey {
        path: &key.file.path,
        kind: key.kind(),
    });
    let keys: Vec<_> = identities.chain(ssh).collect();
    (!has_others && !keys.is_empty()).then_some(keys)
}

/// Whether there is no key at `path`, and its file system is there. A file system may be missing if the path leads through a symlink, if
/// nothing of the path but `/` is there, or if what is there is an empty directory or one in memory.
fn was_never_made(path: &Path, reader: &mut Reader) -> bool {
    // The disk of the key may not answer. After this, it has answered.
    if !matches!(reader.find(path), Err(ReadError::Missing)) || !is_missing(path) {
        return false;
    }
    let Some(above) = path.ancestors().find(|directory| !is_missing(directory)) else {
        return false;
    };
    let is_direct = fs::canonicalize(above).is_ok_and(|found| without_private(&found) == above);
    let has_entries = fs::read_dir(above).is_ok_and(|mut entries| entries.next().is_some());
    above.parent().is_some() && is_direct && has_entries && history::lasts(above)
}

/// On macOS, `/etc` and `/var` are symlinks to directories in `/private`.
fn without_private(path: &Path) -> PathBuf {
    match path.strip_prefix("/private") {
        Ok(below) if cfg!(target_os = "macos") => Path::new("/").join(below),
        _ => path.to_owned(),
    }
}

/// Whether there are sops files, each of which can be read and names nobody but holders of keys that lie in files.
fn are_for_keys(manifest: &Manifest, sources: &KeySources) -> bool {
    let facts = sops_files::facts(manifest, sources.thread.clone(), |_| true);
    let mut recipients = facts.iter().flat_map(|file| &file.recipients);
    !facts.is_empty()
        && facts.len() == sops_files::sources(manifest).len()
        && recipients.all(|(_, recipient)| matches!(recipient.kind, RecipientKind::Age | RecipientKind::Pgp))
}

/// What is to be said if key files are missing. The command makes the key that is best.
fn missing(mut keys: Vec<NamedKey<'_>>) -> Option<Diagnosis> {
    let names: Vec<_> = keys.iter().map(|key| shown(key.path)).collect();
    let (last, others) = names.split_last()?;
    let names = match others {
        [] => format!("{last} does not exist"),
        others => format!("{} and {last} do not exist", others.join(", ")),
    };
    keys.sort_by_key(|key| key.kind);
    let best = keys.first()?;
    let first = if best.path.starts_with(SSHD) {
        "sshd makes a key when it starts: add the recipient that sops-nix keys then prints to .sops.yaml"
    } else {
        "make a key, and add its recipient to .sops.yaml"
    };
    Some(Diagnosis::new(
        format!("this host has no key yet, so nothing is installed: {names}, and no secret was ever installed here"),
        format!(
            "{first}, {THEN} type sops-nix retry; to make a key, run: {}",
            best.kind.making(best.path)
        ),
    ))
}

/// What is to be said of a key that was made since this host was started.
fn just_made(recipient: &str) -> Diagnosis {
    Diagnosis::new(
        "this host has just made its first key, to which no file can be encrypted yet, so nothing is installed",
        format!("add {recipient} to .sops.yaml, {THEN} run: sops-nix retry"),
    )
}
