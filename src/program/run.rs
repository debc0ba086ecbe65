//! The steps of a run, in order.
//!
//! Everything is read, decrypted and rendered before the first write. Failures are collected, and then the failure policy makes one
//! decision about all of them.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use super::{
    again, channel,
    cli::{Arguments, CheckMode},
    contents,
    environment::Environment,
    failure::{Failure, Verdict, names, verdict},
    host_recipients::HostRecipients,
    key_sources,
    owners::{Owners, owned},
    site,
    sops_files::{self, Files},
};
use crate::{
    install::{self, Entry, Extent, InstallError, Preview, Site, changes::Changes, units},
    manifest::{Manifest, ManifestError},
    system::{
        confinement::Confined,
        read::{self, ReadError},
        root::Root,
        stop,
        users::Accounts,
    },
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Limit: a manifest has at most 256 MiB, far more than any real manifest. Larger manifests are refused.
const LARGEST_MANIFEST: usize = 1 << 28;

/// The result of a run, as an exit code. The codes are documented in `docs/messages.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// All is as the manifest says.
    Done = 0,
    /// Something failed. The live generation is unchanged.
    NothingChanged = 1,
    /// The manifest cannot be used.
    BadManifest = 2,
    /// A generation was published (in a dry run: would be published), but something failed. A symlink or a unit request can be
    /// missing after any run. A secret or template can be missing only if no generation was live before.
    PublishedRest = 3,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Does what the command line asks for, below `root`. Reports everything before it returns.
#[must_use]
pub fn run(arguments: &Arguments, environment: Environment, root: &Root) -> Outcome {
    let manifest = match read_manifest(arguments, &environment) {
        Ok(manifest) => manifest,
        Err(diagnosis) => {
            tracing::error!("{diagnosis}");
            return Outcome::BadManifest;
        }
    };
    match arguments.check_mode {
        CheckMode::Manifest => Outcome::Done,
        CheckMode::SopsFile => check(&manifest),
        CheckMode::Off => carry_out(arguments, environment, &manifest, root),
    }
}

fn read_manifest(arguments: &Arguments, environment: &Environment) -> Result<Manifest, Diagnosis> {
    let path = &arguments.manifest;
    let json = read::read(path, LARGEST_MANIFEST).map_err(|error| {
        let remedy = match error {
            ReadError::Denied | ReadError::Refused(_) => Some("correct the path, or the owner and mode of the file"),
            ReadError::Missing | ReadError::BadPath(_) | ReadError::NotRegular(_) | ReadError::TooLarge(_) => {
                Some("correct the path")
            }
            ReadError::Late | ReadError::Stopped => error.remedy(),
        };
        Diagnosis {
            cause: format!("cannot read the manifest {}: {error}", shown(path)),
            remedy: remedy.map(str::to_owned),
        }
    })?;
    let runtime_dir = match arguments.check_mode {
        CheckMode::Off => environment.runtime_dir.as_deref(),
        CheckMode::Manifest | CheckMode::SopsFile => Some(environment.runtime_dir_or_any()),
    };
    let parsed = Manifest::parse(path, json.text.expose(), runtime_dir);
    let (manifest, warnings) = match parsed {
        Ok((manifest, warnings)) => (Ok(manifest), warnings),
        Err(ManifestError { diagnosis, warnings }) => (Err(diagnosis), warnings),
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    manifest
}

/// Checks all sops files. Uses no key, looks up no user, and mounts nothing.
fn check(manifest: &Manifest) -> Outcome {
    let host = HostRecipients::new(&manifest.host_recipients);
    let failures: Vec<_> = sops_files::sources(manifest)
        .iter()
        .filter_map(|source| source.check(host.as_ref()).err())
        .flatten()
        .collect();
    failures.iter().for_each(Failure::report);
    if failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::NothingChanged
    }
}

/// Decrypts the sops files, and publishes the entries. In a dry run, reports what would be published.
fn carry_out(arguments: &Arguments, mut environment: Environment, manifest: &Manifest, root: &Root) -> Outcome {
    // The error is ignored: without this call, a signal ends the process at once, which leaves either the old generation or the
    // new one live.
    let _ = stop::listen();
    // Files that others may have written are read and decrypted on this thread. The thread gives up the rights to write files and to
    // start programs.
    let thread = Confined::default();
    let mut keyring = key_sources::load(manifest, std::mem::take(&mut environment.keys), thread.clone());
    let mut accounts = Accounts::default();
    let site = site::of(arguments, manifest, root, &mut accounts);
    let mut files = Files::open(manifest, &keyring.at_hand(), thread.clone());
    files.open_with_programs(&mut keyring);
    key_sources::tell(manifest, &mut keyring);
    let (values, failed_secrets) = contents::values(files.finish(keyring));
    let (rendered, failed_templates) = contents::render(manifest, &values, thread);
    let owners = Owners::new(manifest.user_mode, arguments.ignore_passwd, accounts, environment.dry_run);
    let (entries, unowned) = owned(manifest, &values, &rendered, owners, root);
    let failures: Vec<_> = [failed_secrets, failed_templates, unowned].into_iter().flatten().collect();
    failures.iter().for_each(Failure::report);
    // This check needs no lock, because [`install::publish`] repeats the check under the lock before it publishes only a part
    // of the entries.
    let is_live = match install::is_live(&site) {
        Ok(is_live) => is_live,
        Err(error) => return nothing_changed(&error),
    };
    match verdict(&failures, is_live, !entries.is_empty()) {
        Verdict::ChangeNothing => change_nothing(&site, is_live, &failures),
        verdict if environment.dry_run => tell_changes(&environment, manifest, &site, &entries, verdict),
        verdict => {
            let again = again::command(manifest, arguments.ignore_passwd, environment.via_systemctl);
            make_live(&environment, manifest, &site, &entries, &failures, verdict, again)
        }
    }
}

/// Reports what a run would change. Writes nothing except the lists of units that a dry activation reads.
fn tell_changes(environment: &Environment, manifest: &Manifest, site: &Site, entries: &[Entry<'_>], verdict: Verdict) -> Outcome {
    let preview = match Preview::of(site, entries) {
        Ok(preview) => preview,
        Err(error) => return nothing_changed(&error),
    };
    for failure in &preview.failures {
        tracing::error!("{failure}");
    }
    if preview.is_refused {
        return Outcome::NothingChanged;
    }
    print_changes(manifest, &preview.changes, true);
    let untold = units::request(&channel::of(environment, manifest, &site.root), &preview.changes.units);
    for error in &untold {
        tracing::error!("{error}");
    }
    match verdict {
        Verdict::Publish if preview.failures.is_empty() && untold.is_empty() => Outcome::Done,
        _ => Outcome::PublishedRest,
    }
}

/// Publishes the entries, and reports the result. `again` is the command that repeats this run.
fn make_live(
    environment: &Environment,
    manifest: &Manifest,
    site: &Site,
    entries: &[Entry<'_>],
    failures: &[Failure],
    verdict: Verdict,
    again: &str,
) -> Outcome {
    let extent = if verdict == Verdict::Publish {
        Extent::Whole
    } else {
        Extent::Rest
    };
    let published = match install::publish(site, entries, extent, &channel::of(environment, manifest, &site.root)) {
        Ok(published) => published,
        Err(failed) => {
            for warning in &failed.warnings {
                tracing::warn!("{warning}");
            }
            for error in failed.errors {
                tracing::error!("{}", diagnosis(error, again));
            }
            return Outcome::NothingChanged;
        }
    };
    let generation = published.generation;
    for warning in &published.warnings {
        tracing::warn!(GENERATION = generation, "{warning}");
    }
    for failure in &published.failures {
        tracing::error!(GENERATION = generation, "{failure}");
    }
    print_changes(manifest, &published.changes, false);
    if verdict == Verdict::Publish && published.failures.is_empty() {
        return Outcome::Done;
    }
    let missing = failed_entries(failures);
    if !missing.is_empty() {
        tracing::error!(
            GENERATION = generation,
            "published {} of {} in {}, without: {}; repair the faults named above, and run: {again}",
            entries.len(),
            entries.len().saturating_add(missing.len()),
            shown(&site.link),
            names(&missing),
        );
    }
    Outcome::PublishedRest
}

fn change_nothing(site: &Site, is_live: bool, failures: &[Failure]) -> Outcome {
    let failed = names(&failed_entries(failures));
    let link = shown(&site.link);
    if is_live {
        tracing::error!("nothing was changed, because these failed: {failed}; {link} is unchanged");
    } else {
        tracing::error!("nothing was published in {link}, because every secret and template failed: {failed}");
    }
    Outcome::NothingChanged
}

fn nothing_changed(error: &InstallError) -> Outcome {
    tracing::error!("{error}");
    Outcome::NothingChanged
}

/// The diagnosis of `error`. If this run was told to end, the remedy is to start it again. Somebody who typed the command of
/// this run can type that command again. If a unit or a switch started this run, `again` is the command.
fn diagnosis(error: InstallError, again: &str) -> Diagnosis {
    let remedy = format!("if you started it by hand, start it again; otherwise run: {again}");
    if error.is_stopped {
        Diagnosis::new(error.diagnosis.cause, remedy)
    } else {
        error.diagnosis
    }
}

fn failed_entries(failures: &[Failure]) -> Vec<String> {
    failures.iter().flat_map(|failure| failure.entries.iter().cloned()).collect()
}

/// Makes the unit requests that a switch has left. `since` says when the lists with these requests were written, if this is known.
/// `failed` names the units that had failed before the switch.
#[must_use]
pub fn after_switch(since: Option<&str>, failed: Vec<String>, environment: &Environment, root: &Root) -> Outcome {
    let systemctl = environment.systemctl.clone().unwrap_or_else(|| PathBuf::from("systemctl"));
    let errors = units::after_switch(&root.unit_lists(), &systemctl, since, failed);
    for error in &errors {
        tracing::error!("{error}");
    }
    if errors.is_empty() {
        Outcome::Done
    } else {
        Outcome::PublishedRest
    }
}

/// Prints the lines about changes, if the manifest asks for them. Other programs compare the whole standard output, so nothing else
/// is written there.
fn print_changes(manifest: &Manifest, changes: &Changes, dry: bool) {
    if !manifest.logging.secret_changes {
        return;
    }
    let mut output = std::io::stdout().lock();
    for line in changes.lines(dry) {
        // The error is ignored: if the reader has closed standard output, nobody wants the lines.
        let _ = writeln!(output, "{line}");
    }
}
