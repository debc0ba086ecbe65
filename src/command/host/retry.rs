//! Tries again what failed, after its cause was repaired: a key that came late, for instance.

use std::collections::BTreeSet;

use rustix::process::geteuid;

use super::{
    installation::{self, Installation},
    no_key_yet,
    phase_status::PhaseStatus,
    place, readers, systemd,
    unit_file::{self, UnitFile},
};
use crate::{
    command::{audience::Audience, layout::line, reply::Reply},
    program::environment::Environment,
    system::root::Root,
    text::{
        diagnosis::Diagnosis,
        printable::{named, quoted},
        shell,
    },
};

/// The target that is reached when all secrets are there. Units that must not start without them wait for it.
const TARGET: &str = "sops-nix.target";

/// Carries out the command `sops-nix retry`.
///
/// # Errors
///
/// With a message for people, if this host installs nothing.
pub(crate) fn answer(audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    let mut reply = Reply::default();
    let mut has_tried = false;
    let has_own = installations.iter().any(Installation::is_own);
    for installation in installations.iter().filter(|installation| installation.is_own() || !has_own) {
        match retry(installation, root) {
            Ok(done) => {
                has_tried |= done == Done::Installed;
                reply.text += &line_of(installation, done, audience);
            }
            Err(failure) => reply.failures.push(failure.of(installation.object())),
        }
    }
    if reply.failures.is_empty() && geteuid().is_root() {
        let started = start_waiting(&installations, has_tried, root);
        reply.text += &started.iter().map(|unit| started_line(unit, audience)).collect::<String>();
    }
    Ok(reply)
}

/// What was done with an installation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nothing: all was there.
    Nothing,
    /// It was made again.
    Installed,
}

fn line_of(installation: &Installation, done: Done, audience: Audience) -> String {
    let (word, said) = match done {
        Done::Nothing => ("there", "all is there"),
        Done::Installed => ("installed", "installed"),
    };
    match audience {
        Audience::Person => format!("{}: {said}\n", installation.title()),
        Audience::Script => line(&[
            word,
            installation.phase.word(),
            installation.user.as_deref().unwrap_or_default(),
            installation.unit.as_deref().unwrap_or_default(),
        ]),
    }
}

fn started_line(unit: &str, audience: Audience) -> String {
    match audience {
        Audience::Person => format!("started {}\n", quoted(unit)),
        Audience::Script => line(&["started", unit]),
    }
}

/// Makes an installation again if not all of it is there. Gives what was done.
///
/// # Errors
///
/// With a message for people, if it cannot be tried, or not all is there afterwards.
fn retry(installation: &Installation, root: &Root) -> Result<Done, Diagnosis> {
    let (status, fault) = PhaseStatus::of(installation, root)?;
    let unit = installation.unit.clone();
    let is_of_user = installation.user.is_some();
    let has_failed = unit.as_ref().is_some_and(|unit| systemd::has_failed(unit, is_of_user));
    if fault.is_none() && !has_failed && status.deferred.is_empty() {
        return Ok(Done::Nothing);
    }
    if !is_of_user && !geteuid().is_root() {
        return Err(Diagnosis::new("only root can try again", "run as root: sops-nix retry"));
    }
    let Some(unit) = unit else {
        let manifest = installation.manifest.as_ref().map_err(Clone::clone)?;
        let remedy = format!("run: {}", installation.again(manifest));
        return Err(Diagnosis::new(
            "an activation script installs it, which does more than that",
            remedy,
        ));
    };
    if status.no_key_yet.is_some() {
        systemd::stop(no_key_yet::UNIT);
    }
    let failed_again = |unit: &str| {
        let option = if is_of_user { "--user " } else { "" };
        let remedy = format!("to see why, run: journalctl {option}-b -u {}", shell::word(unit));
        Diagnosis::new(format!("unit {} has failed again", named(unit)), remedy)
    };
    if !systemd::restart(&unit, is_of_user) {
        return Err(failed_again(&unit));
    }
    // The restart has begun that of the unit which asks key services, and has not waited for it.
    if let Some(online) = installation
        .online_unit
        .as_ref()
        .filter(|online| !systemd::finish_start(online))
    {
        return Err(failed_again(online));
    }
    let (status, fault) = PhaseStatus::of(installation, root)?;
    match fault {
        None if !status.deferred.is_empty() => Err(Diagnosis::new(
            "it was tried again, and not all is there",
            "to see what it waits for, run: sops-nix status",
        )),
        None => Ok(Done::Installed),
        Some(fault) => Err(Diagnosis::new(
            "it was tried again, and not all is there",
            fault.remedy.unwrap_or_default(),
        )),
    }
}

/// Starts what waited for the secrets: the units that read them or need the units that install them, and have failed. If secrets were
/// missing until now (`has_tried`), also those that were never started. Gives what was started.
fn start_waiting(installations: &[Installation], has_tried: bool, root: &Root) -> Vec<String> {
    let units = unit_file::all(&readers::unit_directories(root));
    let places: Vec<_> = installations
        .iter()
        .flat_map(|installation| place::of(installation, root))
        .collect();
    let readers = readers::of_units(&units, &places).into_iter().map(|reader| reader.unit);
    let needing = units
        .iter()
        .filter(|unit| unit.name == TARGET || needs(unit))
        .map(|unit| unit.name.clone());
    let names: BTreeSet<_> = needing.chain(readers).collect();
    let names: Vec<_> = names.into_iter().collect();
    let waiting = if has_tried {
        systemd::waiting(&names)
    } else {
        systemd::failed(&names)
    };
    waiting.into_iter().filter(|unit| systemd::start(unit)).collect()
}

/// Whether a unit does not start without one of the units that install secrets.
fn needs(unit: &UnitFile) -> bool {
    let keys = ["Requires", "Requisite", "BindsTo"];
    let needed = keys.iter().flat_map(|key| unit.values(key)).flat_map(str::split_whitespace);
    !unit.name.starts_with("sops-") && needed.into_iter().any(|name| name.starts_with("sops-"))
}
