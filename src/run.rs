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
