//! Makes older generations live again.

use rustix::process::geteuid;

use super::installation::{self, Installation};
use crate::{
    command::reply::Reply,
    install::{self, FileOfUnits, PlaceInGeneration, RolledBack, units::Channel},
    manifest::Manifest,
    program::{environment::Environment, site},
    system::{root::Root, users::Accounts},
    text::diagnosis::Diagnosis,
};

/// Carries out the command `sops-nix rollback`.
///
/// # Errors
///
/// With a message for people, if this host installs nothing, if whoever asks may not do it, or if there is no older generation.
pub(crate) fn answer(root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    let own: Vec<_> = installations.iter().filter(|installation| installation.is_own()).collect();
    if own.is_empty() {
        return Err(Diagnosis::new(
            "only root can roll back the secrets of the system",
            "run: sudo sops-nix rollback",
        ));
    }
    let mut reply = Reply::default();
    for installation in own {
        match roll_back(installation, root) {
            Ok(None) => {}
            Ok(Some(done)) => {
                let RolledBack { from, to, .. } = done;
                reply.text += &format!("{}: generation {to} is live, instead of {from}\n", installation.title());
                reply.remarks.extend(done.warnings.into_iter().map(Diagnosis::bare));
                reply.failures.extend(done.failures.into_iter().map(|error| error.diagnosis));
            }
            Err(failures) => reply.failures.extend(failures),
        }
    }
    if reply.text.is_empty() && reply.failures.is_empty() {
        return Err(Diagnosis::new(
            "no older generation is there",
            "set sops.keepGenerations to 2 or more; the switches after that keep the generations before them",
        ));
    }
    Ok(reply)
}

/// Makes the older generation of `installation` live. `None` if there is none.
fn roll_back(installation: &Installation, root: &Root) -> Result<Option<RolledBack>, Vec<Diagnosis>> {
    let object = || installation.object();
    let named = |failure: Diagnosis| vec![failure.of(object())];
    let manifest = installation.manifest.as_ref().map_err(|failure| named(failure.clone()))?;
    let site = site::of(installation.call.is_early, None, manifest, root, &mut Accounts::default());
    let channel = if installation.user.is_some() || !geteuid().is_root() {
        Channel::OfUser("systemctl".into())
    } else {
        Channel::Systemctl("systemctl".into())
    };
    install::roll_back(&site, &files(manifest), &channel)
        .map_err(|failed| failed.errors.into_iter().map(|error| error.diagnosis.of(object())).collect())
}

/// All files of `manifest`, with the units that use them.
fn files(manifest: &Manifest) -> Vec<FileOfUnits<'_>> {
    let secrets = manifest
        .secrets
        .iter()
        .map(|secret| (PlaceInGeneration::of_secret(&secret.name), &secret.placement));
    let templates = manifest
        .templates
        .iter()
        .map(|template| (PlaceInGeneration::of_template(&template.name), &template.placement));
    secrets
        .chain(templates)
        .map(|(place, placement)| FileOfUnits {
            place,
            restart_units: &placement.restart_units,
            reload_units: &placement.reload_units,
        })
        .collect()
}
