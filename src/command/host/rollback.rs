//! Makes the generation before the live one live again.

use rustix::process::geteuid;

use super::installation::{self, HostPhase, Installation};
use crate::{
    command::{audience::Audience, cli::RollbackArguments, layout::line, question::Person, reply::Reply},
    install::{self, DeclaredFile, EntryKind, PlaceInGeneration, Rollback, units::Channel},
    manifest::{MOCK_MARK, Manifest},
    program::{environment::Environment, failure::names, site},
    system::{root::Root, users::Accounts},
    text::{diagnosis::Diagnosis, printable::named},
};

/// Carries out the command `sops-nix rollback`.
///
/// # Errors
///
/// With a message for people, if there can be no rollback, or if whoever asks may not do it or does not want it.
pub(crate) fn answer(arguments: &RollbackArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    let installation = chosen(&installations, arguments.phase.as_deref())?;
    roll_back(installation, arguments, audience, root).map_err(|failure| failure.of(installation.object()))
}

/// The installation of the phase with this word; without one, that of the system, or of the user who asks.
fn chosen<'i>(installations: &'i [Installation], phase: Option<&str>) -> Result<&'i Installation, Diagnosis> {
    if installations.is_empty() {
        return Err(installation::none());
    }
    let default = if geteuid().is_root() {
        HostPhase::System
    } else {
        HostPhase::User
    };
    let word = phase.unwrap_or(default.word());
    let found = installations.iter().find(|installation| installation.phase.word() == word);
    match found {
        Some(found) if found.is_own() => Ok(found),
        Some(_) => Err(Diagnosis::new(
            "only root can roll back the secrets of the system",
            format!("run as root: sops-nix rollback{}", option(phase)),
        )),
        None if phase.is_none() && !geteuid().is_root() => Err(Diagnosis::new(
            "this user has no secrets from home-manager",
            "to roll back those of the system, run as root: sops-nix rollback",
        )),
        None => Err(Diagnosis::new(
            format!("this host installs no secrets in the phase {}", named(word)),
            "to see which phases it has, run: sops-nix status",
        )),
    }
}

/// The option for a phase, as it is typed behind the command.
fn option(phase: Option<&str>) -> String {
    phase.map(|phase| format!(" --phase {phase}")).unwrap_or_default()
}

fn roll_back(
    installation: &Installation,
    arguments: &RollbackArguments,
    audience: Audience,
    root: &Root,
) -> Result<Reply, Diagnosis> {
    let manifest = installation.manifest.as_ref().map_err(Clone::clone)?;
    // The ledger of a user is in the home of that user.
    let home = Environment::read().keys.home;
    let site = site::of(
        installation.call.is_early,
        home.as_deref(),
        manifest,
        root,
        &mut Accounts::default(),
    );
    let declared = declared(manifest, root);
    let rollback = install::possible_rollback(&site, &declared).map_err(|error| error.diagnosis)?;
    refuse_dummies(manifest, &rollback, root)?;
    agree(&rollback, arguments)?;
    let systemctl = "systemctl".into();
    let channel = if installation.user.is_some() {
        Channel::OfUser(systemctl)
    } else {
        Channel::Systemctl(systemctl)
    };
    let object = installation.object();
    let told = |error: install::InstallError| error.diagnosis.of(&object);
    Ok(match install::roll_back(&site, &declared, &rollback, &channel) {
        Ok(done) => Reply {
            text: told_of(&rollback, installation, manifest, audience),
            remarks: done.warnings.into_iter().map(Diagnosis::bare).collect(),
            failures: done.failures.into_iter().map(told).collect(),
            ..Reply::default()
        },
        Err(failed) => Reply {
            remarks: failed.warnings.into_iter().map(Diagnosis::bare).collect(),
            failures: failed.errors.into_iter().map(told).collect(),
            ..Reply::default()
        },
    })
}

/// Which generation is live now, and what makes the configured one live again.
fn told_of(rollback: &Rollback, installation: &Installation, manifest: &Manifest, audience: Audience) -> String {
    let Rollback { from, to, .. } = rollback;
    let again = installation.again(manifest);
    match audience {
        Audience::Person => format!(
            "{}: generation {to} is live, instead of {from}\nto install again what the configuration says, run: {again}\n",
            installation.title()
        ),
        Audience::Script => line(&[
            "live",
            installation.phase.word(),
            installation.user.as_deref().unwrap_or_default(),
            &to.to_string(),
            &from.to_string(),
            &again,
        ]),
    }
}

/// Refuses a generation of dummies on a host that is no mock.
fn refuse_dummies(manifest: &Manifest, rollback: &Rollback, root: &Root) -> Result<(), Diagnosis> {
    let older = root.locate(&manifest.mount_point).join(rollback.to.to_string());
    // A secret may have this name, too, if the manifest is no mock.
    let is_secret = manifest.secrets.iter().any(|secret| secret.name.as_str() == MOCK_MARK);
    if !manifest.is_mock && !is_secret && older.join(MOCK_MARK).symlink_metadata().is_ok() {
        let cause = format!(
            "generation {} has dummies in the place of all secrets (sops.mock)",
            rollback.to
        );
        return Err(Diagnosis::new(cause, "to go back further, switch to an older configuration"));
    }
    Ok(())
}

/// Asks whether the rollback is wanted if it takes away secrets or templates that the configuration declares, or brings back those that
/// it removed.
fn agree(rollback: &Rollback, arguments: &RollbackArguments) -> Result<(), Diagnosis> {
    let Rollback {
        from,
        to,
        lacking,
        returning,
    } = rollback;
    let told = |verb: &str, places: &[String], what: &str| {
        let places: Vec<_> = places.iter().map(|place| named(place)).collect();
        (!places.is_empty()).then(|| format!("{verb} {}, which the configuration {what}", names(&places)))
    };
    let effects = [
        told("lacks", lacking, "declares"),
        told("has again", returning, "does not declare any more"),
    ];
    let effects: Vec<_> = effects.into_iter().flatten().collect();
    if effects.is_empty() || arguments.yes {
        return Ok(());
    }
    let cause = format!("generation {to} {}", effects.join(", and "));
    let mut person = Person::at_terminal();
    if !person.is_there() {
        let option = option(arguments.phase.as_deref());
        return Err(Diagnosis::new(
            cause,
            format!("to make it live all the same, run: sops-nix rollback{option} --yes"),
        ));
    }
    if person.says_yes(&format!("{cause}; make it live all the same?")) {
        return Ok(());
    }
    Err(Diagnosis::bare(format!("nothing was changed: generation {from} stays live")))
}

/// All files that `manifest` declares, with the units that use them.
fn declared<'m>(manifest: &'m Manifest, root: &Root) -> Vec<DeclaredFile<'m>> {
    let secrets = manifest.secrets.iter();
    let secrets = secrets.map(|secret| {
        let place = PlaceInGeneration::of_secret(&secret.name);
        (EntryKind::Secret, &secret.name, place, &secret.placement)
    });
    let templates = manifest.templates.iter();
    let templates = templates.map(|template| {
        let place = PlaceInGeneration::of_template(&template.name);
        (EntryKind::Template, &template.name, place, &template.placement)
    });
    secrets
        .chain(templates)
        .map(|(kind, name, place, placement)| DeclaredFile {
            kind,
            name,
            place,
            path: placement.path.as_ref().map(|path| root.locate(path)),
            at_path: placement.at_path,
            restart_units: &placement.restart_units,
            reload_units: &placement.reload_units,
            watch_file: placement.watch_file.as_ref().map(|path| root.locate(path)),
        })
        .collect()
}
