//! Looks, before the secrets are installed, whether this is the first boot of a host that gets its key only later
//! (`sops.noKeyAtFirstBoot`).
//!
//! A key that is only out of sight must not be taken for one that was never made: then secrets would be missing on a host that had them, and
//! nothing would have failed. So this can be found in one boot of a host at most, and every doubt is against it.

use std::{io::ErrorKind, path::Path};

use super::{
    cli::{Arguments, CheckMode, KeyCheck},
    environment::Environment,
    first_boot, key_sources, manifest_file,
    no_key_mark::NoKeyMark,
    run::Outcome,
    sops_files,
};
use crate::{
    install::record,
    keys::{KeyKind, KeySources},
    manifest::Manifest,
    sops::creation_rules::RecipientKind,
    system::{
        budget,
        confinement::Confined,
        read::{ReadError, Reader},
        root::{Root, SSHD},
    },
    text::{diagnosis::Diagnosis, printable::shown},
};

/// What follows when the key is there.
const THEN: &str = "to .sops.yaml, run sops updatekeys for its files, and switch";

/// A key file that the configuration names.
struct NamedKey<'s> {
    path: &'s Path,
    kind: KeyKind,
}

/// Looks whether this host has a key. If it has none in its first boot, says so and leaves a mark; in any other case there is no mark.
#[must_use]
pub fn check_key(arguments: &KeyCheck, environment: Environment, root: &Root) -> Outcome {
    match look(arguments, environment, root) {
        Ok(note) => {
            if let Some(note) = note {
                tracing::warn!("{note}");
            }
            Outcome::Done
        }
        Err(error) => {
            tracing::error!("{error}");
            Outcome::NothingChanged
        }
    }
}

fn look(arguments: &KeyCheck, mut environment: Environment, root: &Root) -> Result<Option<Diagnosis>, Diagnosis> {
    let is_first_boot = first_boot::begin(&arguments.nix, root)?;
    let run = Arguments {
        check_mode: CheckMode::Off,
        ignore_passwd: true,
        manifest: arguments.manifest.clone(),
    };
    let manifest = manifest_file::read(&run, &environment)?;
    let mark = NoKeyMark::beside(&root.locate(&manifest.link));
    mark.set(None)?;
    let sources = KeySources {
        thread: Confined::default(),
        ..key_sources::sources(&manifest, std::mem::take(&mut environment.keys))
    };
    let is_installed = arguments.links.iter().any(|link| !is_missing(&root.locate(link))) || was_installed(&manifest, root);
    let note = missing_keys(&manifest, &sources).filter(|_| is_first_boot && !is_installed);
    if note.is_none() {
        first_boot::end(&arguments.nix)?;
    }
    mark.set(note.as_ref())?;
    Ok(note)
}

/// Whether a run of this manifest has published anything, or failed, since this host was started.
fn was_installed(manifest: &Manifest, root: &Root) -> bool {
    let record = root.locate(&manifest.mount_point).join(record::NAME);
    ![root.locate(&manifest.link), record].iter().all(|path| is_missing(path))
}

/// Whether it is certain that there is nothing at `path`.
fn is_missing(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// What is to be said if no key of this host is there. `None` if one is there, or might open a file from another place.
fn missing_keys(manifest: &Manifest, sources: &KeySources) -> Option<Diagnosis> {
    let mut keys = named_keys(sources)?;
    let mut reader = Reader::new(sources.thread.clone(), budget::KEY_FILES);
    let is_certain = !manifest.is_mock && keys.iter().all(|key| is_plainly_missing(key.path, &mut reader));
    if !is_certain || !are_for_keys(manifest, sources) {
        return None;
    }
    let names: Vec<_> = keys.iter().map(|key| shown(key.path)).collect();
    let names = match names.split_last()? {
        (last, []) => format!("{last} was not there"),
        (last, others) => format!("{} and {last} were not there", others.join(", ")),
    };
    keys.sort_by_key(|key| key.kind);
    let best = keys.first()?;
    let remedy = if best.path.starts_with(SSHD) {
        format!("sshd makes a key when it starts: add the recipient that sops-nix keys then prints {THEN}")
    } else {
        let making = best.kind.making(best.path);
        format!("make a key, add the recipient that sops-nix keys then prints {THEN}; to make the key, run: {making}")
    };
    let cause = format!("no secret was installed in the first boot of this host, because it had no key: {names}");
    Some(Diagnosis::new(cause, remedy))
}

/// The key files of this host. `None` if it has another source of keys: nobody can tell whether that never had a key.
fn named_keys(sources: &KeySources) -> Option<Vec<NamedKey<'_>>> {
    let has_others = sources.age_key.is_some()
        || sources.age_key_credential.is_some()
        || sources.age_key_command.is_some()
        || sources.ssh_key_command.is_some()
        || sources.gpg.is_some()
        || sources.key_services.is_some();
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

/// Whether there is nothing at `path`, and the last that is there of the way to it is a directory: a symlink may lead to a disk that is
/// not there.
fn is_plainly_missing(path: &Path, reader: &mut Reader) -> bool {
    // The disk of the key may not answer. After this, it has answered.
    if !matches!(reader.find(path), Err(ReadError::Missing)) || !is_missing(path) {
        return false;
    }
    let above = path.ancestors().find(|directory| !is_missing(directory));
    above.is_some_and(|directory| directory.symlink_metadata().is_ok_and(|status| status.is_dir()))
}

/// Whether there are sops files, each of which can be read and names nobody but holders of keys that lie in files.
fn are_for_keys(manifest: &Manifest, sources: &KeySources) -> bool {
    let facts = sops_files::facts(manifest, sources.thread.clone(), |_| true);
    let mut recipients = facts.iter().flat_map(|file| &file.recipients);
    !facts.is_empty()
        && facts.len() == sops_files::sources(manifest).len()
        && recipients.all(|(_, recipient)| matches!(recipient.kind, RecipientKind::Age | RecipientKind::Pgp))
}
