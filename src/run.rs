//! The steps of a run, in order.
//!
//! Everything is read, decrypted and rendered before the first write; what failed is collected, and decided upon once.

use std::{collections::HashMap, path::Path, process::ExitCode};

use crate::{
    changes::{self, Changes},
    cli::{Arguments, CheckMode},
    contents::{self, Values},
    environment::Environment,
    failure::{Failure, Verdict, names, verdict},
    file,
    files::{self, Source},
    install::{self, Entry, EntryKind, Live, Site, Store},
    keys::{KeyFile, KeySources, Keyring, Notice},
    manifest::{Account, Manifest, Placement},
    plaintext::Plaintext,
    sops::Decrypted,
    units,
    users::Users,
};

/// Larger manifests are refused, in bytes: 256 MiB.
const LARGEST_MANIFEST: u64 = 1 << 28;

/// How a run ended; the numbers are documented in `docs/messages.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// All is as the manifest says.
    Done = 0,
    /// Something failed; what was published before is still published.
    NothingChanged = 1,
    /// The manifest cannot be used.
    BadManifest = 2,
    /// Nothing was published before, and now all that did not fail is.
    PublishedRest = 3,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Does what the command line asks for. All that has to be said has been said when it returns.
#[must_use]
pub fn run(arguments: &Arguments, environment: &Environment) -> Outcome {
    let manifest = match read_manifest(arguments, environment) {
        Ok(manifest) => manifest,
        Err(problem) => {
            tracing::error!("{problem}");
            return Outcome::BadManifest;
        }
    };
    match arguments.check_mode {
        CheckMode::Manifest => Outcome::Done,
        CheckMode::SopsFile => check(&manifest),
        CheckMode::Off => install(arguments, environment, &manifest),
    }
}

fn read_manifest(arguments: &Arguments, environment: &Environment) -> Result<Manifest, String> {
    let path = &arguments.manifest;
    let json = file::read(path, LARGEST_MANIFEST).map_err(|error| format!("cannot read the manifest {}: {error}", path.display()))?;
    let runtime_dir = match arguments.check_mode {
        CheckMode::Off => environment.runtime_dir.as_deref(),
        CheckMode::Manifest | CheckMode::SopsFile => Some(environment.runtime_dir_or_any()),
    };
    let (manifest, warnings) = Manifest::parse(path, json.expose(), runtime_dir).map_err(|error| error.to_string())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(manifest)
}

/// The check modes end here: no key, no user, no mount.
fn check(manifest: &Manifest) -> Outcome {
    let failures: Vec<_> = files::sources(manifest).iter().filter_map(|source| source.check().err()).flatten().collect();
    failures.iter().for_each(Failure::report);
    if failures.is_empty() { Outcome::Done } else { Outcome::NothingChanged }
}

fn install(arguments: &Arguments, environment: &Environment, manifest: &Manifest) -> Outcome {
    let keyring = load_keys(manifest, environment);
    let mut failures = Vec::new();
    let files = decrypt(manifest, &keyring, &mut failures);
    let values = contents::values(&files, &mut failures);
    let rendered = contents::render(manifest, &values, &mut failures);
    let entries = entries(arguments, manifest, &values, &rendered, &mut failures);
    let site = site(manifest);
    let live = install::live(&site);
    failures.iter().for_each(Failure::report);
    match verdict(&failures, live.is_some()) {
        Verdict::KeepLive => keep_live(&site, &failures),
        _ if environment.dry_run => dry_run(manifest, &site, live.as_ref(), &entries, &failures),
        _ => publish(environment, manifest, &site, &entries, &failures),
    }
}

fn load_keys(manifest: &Manifest, environment: &Environment) -> Keyring {
    let keyring = Keyring::load(&key_sources(manifest, environment));
    for notice in keyring.notices() {
        match notice {
            Notice::Imported { .. } if manifest.log_key_import => tracing::info!("sops-install-secrets: {notice}"),
            Notice::Imported { .. } => {}
            other => tracing::warn!("{other}"),
        }
    }
    keyring
}

/// The sources that the manifest names, and those of the environment. Nothing under anybody's home is searched.
fn key_sources(manifest: &Manifest, environment: &Environment) -> KeySources {
    let ssh_keys = manifest.age_ssh_key_paths.iter().chain(&manifest.ssh_key_paths);
    KeySources {
        age_ssh_keys: ssh_keys.map(|path| key_file(path)).collect(),
        age_key_file: manifest.age_key_file.as_deref().map(key_file),
        age_key: environment.age_key.as_ref(),
        age_key_file_variable: environment.age_key_file.clone(),
    }
}

/// The Nix modules name the host keys of sshd unasked, and not every host has each kind.
fn key_file(path: &Path) -> KeyFile {
    KeyFile {
        path: path.to_owned(),
        is_default: path.starts_with("/etc/ssh"),
    }
}

/// Decrypts each file once. What failed is `None`, with its failure told.
fn decrypt<'m>(manifest: &'m Manifest, keyring: &Keyring, failures: &mut Vec<Failure>) -> Vec<(Source<'m>, Option<Decrypted>)> {
    files::sources(manifest)
        .into_iter()
        .map(|source| {
            let decrypted = source.decrypt(keyring).map_err(|failure| failures.push(failure)).ok();
            (source, decrypted)
        })
        .collect()
}

/// Everything that can be published, with its owner looked up.
fn entries<'e>(
    arguments: &Arguments,
    manifest: &'e Manifest,
    values: &'e Values<'_>,
    rendered: &'e [Option<Plaintext>],
    failures: &mut Vec<Failure>,
) -> Vec<Entry<'e>> {
    let mut owners = Owners::new(manifest.user_mode, arguments.ignore_passwd);
    let secrets = manifest.secrets.iter().filter_map(|secret| {
        let content = values.get(secret.name.as_str())?.expose();
        Some((EntryKind::Secret, &secret.name, content, &secret.placement))
    });
    let templates = manifest.templates.iter().zip(rendered).filter_map(|(template, rendered)| {
        let content = rendered.as_ref()?.expose();
        Some((EntryKind::Template, &template.name, content, &template.placement))
    });
    secrets
        .chain(templates)
        .filter_map(|(kind, name, content, placement)| {
            let owner = owners.of(placement).map_err(|problem| failures.push(unowned(kind, name, &problem))).ok()?;
            Some(entry(kind, name, content, owner, placement))
        })
        .collect()
}
