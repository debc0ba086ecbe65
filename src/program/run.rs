//! The steps of a run, in order.
//!
//! Everything is read, decrypted and rendered before the first write. Failures are collected, and then the failure policy makes one
//! decision about all of them. Only the checks of templates see a text before that decision, if there is anything to publish.

use std::path::{Path, PathBuf};

use super::{
    again, change_lines, channel, checks,
    cli::{Arguments, CheckMode},
    completion,
    environment::Environment,
    failure::{Failure, Verdict, failed_entries, listed, verdict},
    key_sources,
    lacks::{Lacks, published_rest},
    last_run, manifest_file,
    metrics::{self, RunSummary},
    mock,
    outcome::Outcome,
    owners::{Owned, Owners, owned},
    prepared::Prepared,
    site, sops_file_check,
    sops_files::{Awaited, age_warnings},
    template_check, tidying,
};
use crate::{
    install::{self, Entry, Failed, InstallError, Preview, Site, published_entries::PublishedEntries, units},
    manifest::Manifest,
    system::{confinement::Confined, root::Root, stop, users::Accounts},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Does what the command line asks for, below `root`. Reports everything before it returns.
#[must_use]
pub fn run(arguments: &Arguments, environment: Environment, root: &Root) -> Outcome {
    let manifest = match manifest_file::read(arguments, &environment) {
        Ok(manifest) => manifest,
        Err(diagnosis) => {
            tracing::error!("{diagnosis}");
            return Outcome::BadManifest;
        }
    };
    match arguments.check_mode {
        CheckMode::Manifest => checked(&template_check::check(&manifest)),
        CheckMode::SopsFile => checked(&sops_file_check::check(&manifest).and(template_check::check(&manifest))),
        CheckMode::Off => carry_out(arguments, environment, &manifest, root),
    }
}

/// Reports what a check has found.
fn checked(lacks: &Lacks) -> Outcome {
    lacks.report();
    if lacks.failures.is_empty() {
        Outcome::Done
    } else {
        Outcome::NothingChanged
    }
}

/// Decrypts the sops files, and publishes the entries. In a dry run, reports what would be published.
fn carry_out(arguments: &Arguments, mut environment: Environment, manifest: &Manifest, root: &Root) -> Outcome {
    if let Some(warning) = mock::warning(manifest) {
        tracing::warn!("{warning}");
    }
    // The error is ignored: without this call, a signal ends the process at once, which leaves either the old generation or the
    // new one live.
    let _ = stop::listen();
    let mut accounts = Accounts::default();
    let home = environment.keys.home.as_deref();
    let mut site = site::of(arguments.ignore_passwd, home, manifest, root, &mut accounts);
    if tidying::is_all(manifest, &site) {
        tidying::tidy(environment.dry_run, manifest, &site);
        return Outcome::Done;
    }
    if let Some(generation) = completion::rolled_back_to(arguments, &site) {
        let again = again::command(manifest, arguments.ignore_passwd, environment.via_systemctl);
        tracing::info!(
            "nothing is installed, because a rollback has made generation {generation} live; to install what the configuration says, run: {again}"
        );
        return Outcome::Done;
    }
    // Files that others may have written are read and decrypted on this thread. The thread gives up the rights to write files and to
    // start programs.
    let thread = Confined::default();
    let reach = arguments.key_services.reach(manifest, arguments.ignore_passwd);
    let keyring = key_sources::load(manifest, std::mem::take(&mut environment.keys), thread.clone(), reach);
    let awaited = if completion::completes(arguments, &site) {
        Awaited::AllClosed
    } else {
        arguments.key_services.awaited(reach)
    };
    let (prepared, notices) = Prepared::of(manifest, keyring, thread, &site, awaited);
    key_sources::tell(manifest, notices);
    let owners = Owners::new(manifest.user_mode, arguments.ignore_passwd, accounts, environment.dry_run);
    let Owned {
        mut entries,
        directories,
        failures,
    } = owned(manifest, &prepared.values, &prepared.rendered, owners, &site);
    site.directories = directories;
    let (mut lacks, kept) = (prepared.lacks, prepared.kept);
    lacks.failures.extend(failures);
    completion::keep_rights(&lacks, &mut entries, &site);
    site.awaited = completion::awaited_paths(manifest, &lacks, root);
    completion::settle(arguments, &site, &mut lacks);
    let refused = if environment.dry_run {
        Ok(Vec::new())
    } else {
        checks::refused(manifest, &site, &mut entries, &lacks.failures)
    };
    let unchecked = refused.map(|refused| lacks.failures.extend(refused)).err();
    completion::settle(arguments, &site, &mut lacks);
    lacks.report();
    if let Some(deferral) = lacks.deferral(manifest, &kept) {
        tracing::info!("{deferral}");
    }
    for warning in prepared.warnings.into_iter().chain(age_warnings(&prepared.files, manifest)) {
        tracing::warn!("{warning}");
    }
    let outcome = match unchecked {
        Some(error) => {
            let again = again::command(manifest, arguments.ignore_passwd, environment.via_systemctl);
            not_published(&site, &arguments.manifest, &lacks, error.into(), again)
        }
        None => conclude(arguments, &environment, manifest, &site, &entries, (&lacks, &kept)),
    };
    let outcome = completion::outcome(arguments, &lacks, outcome);
    if !environment.dry_run {
        let summary = RunSummary {
            has_succeeded: outcome == Outcome::Done && lacks.awaited.is_empty(),
            generation: install::live_generation(&site).ok().flatten(),
            failed_entries: failed_entries(&lacks.failures).count(),
            deferred_entries: failed_entries(&lacks.awaited).count(),
            files: &prepared.files,
        };
        metrics::keep(manifest, arguments.ignore_passwd, &summary);
    }
    outcome
}

/// Decides by the failure policy what is published, and publishes it. In a dry run, reports what would be published. Beside what is lacking
/// are the names of those failed secrets that keep their live values.
fn conclude(
    arguments: &Arguments,
    environment: &Environment,
    manifest: &Manifest,
    site: &Site,
    entries: &[Entry<'_>],
    (lacks, kept): (&Lacks, &[String]),
) -> Outcome {
    let failures = &lacks.failures;
    // This check needs no lock, because [`install::publish`] repeats the check under the lock before it publishes only a part
    // of the entries.
    let is_live = match install::live_generation(site) {
        Ok(generation) => generation.is_some(),
        Err(error) => return nothing_changed(&error),
    };
    match verdict(failures, is_live, !entries.is_empty() || !lacks.awaited.is_empty()) {
        Verdict::ChangeNothing => {
            if !environment.dry_run {
                last_run::keep(site, &arguments.manifest, None, lacks, &[]);
            }
            change_nothing(manifest, site, is_live, failures)
        }
        verdict if environment.dry_run => tell_changes(environment, manifest, site, entries, verdict),
        verdict @ (Verdict::Publish | Verdict::PublishRest | Verdict::PublishTolerated) => {
            let again = again::command(manifest, arguments.ignore_passwd, environment.via_systemctl);
            let manifest = (&*arguments.manifest, manifest);
            make_live(environment, manifest, site, entries, (lacks, kept, verdict), again)
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
    change_lines::print(manifest, &preview.changes, &preview.former_links, true);
    let untold = units::request(&channel::of(environment, manifest, &site.root), &preview.changes.units);
    for error in &untold {
        tracing::error!("{error}");
    }
    match verdict {
        Verdict::Publish if preview.failures.is_empty() && untold.is_empty() => Outcome::Done,
        _ => Outcome::PublishedRest,
    }
}

/// Publishes the entries, and reports the result. `manifest` is the manifest with its path. Beside what is lacking are the names of those
/// failed secrets that keep their live values, and the verdict about the failures. `again` is the command that repeats this run.
fn make_live(
    environment: &Environment,
    (path, manifest): (&Path, &Manifest),
    site: &Site,
    entries: &[Entry<'_>],
    (lacks, kept, verdict): (&Lacks, &[String], Verdict),
    again: &str,
) -> Outcome {
    let published = match install::publish(
        site,
        entries,
        verdict.extent(),
        &channel::of(environment, manifest, &site.root),
    ) {
        Ok(published) => published,
        Err(failed) => return not_published(site, path, lacks, failed, again),
    };
    let generation = published.generation;
    let errors = published.failures.iter().map(|error| &error.diagnosis);
    let deeds = PublishedEntries {
        generation,
        is_new: published.is_new,
        is_first: published.is_first,
        may_be_completed: manifest.may_defer(),
        changes: &published.changes,
        entries,
    };
    last_run::keep(site, path, Some(deeds), lacks, errors);
    for warning in &published.warnings {
        tracing::warn!(GENERATION = generation, "{warning}");
    }
    for failure in &published.failures {
        tracing::error!(GENERATION = generation, "{failure}");
    }
    change_lines::print(manifest, &published.changes, &published.former_links, false);
    if lacks.failures.is_empty() && published.failures.is_empty() {
        return Outcome::Done;
    }
    if let Some(rest) = published_rest(manifest, &site.link, lacks, kept) {
        tracing::error!(
            GENERATION = generation,
            "{rest}; repair the faults named above, and run: {again}"
        );
    }
    Outcome::PublishedRest
}

/// Reports why nothing was published, and records it. `path` is that of the manifest. `again` is the command that repeats this run.
fn not_published(site: &Site, path: &Path, lacks: &Lacks, failed: Failed, again: &str) -> Outcome {
    for warning in &failed.warnings {
        tracing::warn!("{warning}");
    }
    let errors: Vec<_> = failed.errors.into_iter().map(|error| diagnosis(error, again)).collect();
    last_run::keep(site, path, None, lacks, &errors);
    for error in errors {
        tracing::error!("{error}");
    }
    Outcome::NothingChanged
}

fn change_nothing(manifest: &Manifest, site: &Site, is_live: bool, failures: &[Failure]) -> Outcome {
    let failed = listed(manifest, &failed_entries(failures).collect::<Vec<_>>());
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
