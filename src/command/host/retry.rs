//! Tries again what failed, after its cause was repaired: a key that came late, for instance.

use rustix::process::geteuid;

use super::{
    installation::{self, Installation},
    phase_status::PhaseStatus,
    readers, systemd, unit_file, who_reads,
};
use crate::{
    command::reply::Reply,
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
pub(crate) fn answer(root: &Root) -> Result<Reply, Diagnosis> {
    let installations = installation::of_own(root, &Environment::read());
    if installations.is_empty() {
        return Err(installation::none());
    }
    let mut reply = Reply::default();
    let mut has_tried = false;
    for installation in &installations {
        match retry(installation, root) {
            Ok(None) => reply.text += &line_of(installation, "all is there"),
            Ok(Some(said)) => {
                has_tried = true;
                reply.text += &line_of(installation, said);
            }
            Err(failure) => reply.failures.push(failure.of(installation.object())),
        }
    }
    if has_tried && reply.failures.is_empty() {
        reply.text += &start_waiting(&installations, root);
    }
    Ok(reply)
}

fn line_of(installation: &Installation, said: &str) -> String {
    format!("{}: {said}\n", installation.title())
}

/// Makes an installation again if not all of it is there. Gives what was done; `None` if nothing had to be.
///
/// # Errors
///
/// With a message for people, if it cannot be tried, or not all is there afterwards.
fn retry(installation: &Installation, root: &Root) -> Result<Option<&'static str>, Diagnosis> {
    let (_, fault) = PhaseStatus::of(installation, root)?;
    let unit = installation.unit.clone();
    let has_failed = unit
        .as_ref()
        .is_some_and(|unit| !systemd::failed(std::slice::from_ref(unit)).is_empty());
    if fault.is_none() && !has_failed {
        return Ok(None);
    }
    let is_of_user = installation.user.is_some();
    if !is_of_user && !geteuid().is_root() {
        return Err(Diagnosis::new("only root can try again", "run: sudo sops-nix retry"));
    }
    let Some(unit) = unit else {
        let manifest = installation.manifest.as_ref().map_err(Clone::clone)?;
        let remedy = format!("run: {}", installation.again(manifest));
        return Err(Diagnosis::new(
            "an activation script installs it, which does more than that",
            remedy,
        ));
    };
    if !systemd::restart(&unit, is_of_user) {
        let option = if is_of_user { "--user " } else { "" };
        let remedy = format!("to see why, run: journalctl {option}-b -u {}", shell::word(&unit));
        return Err(Diagnosis::new(format!("unit {} has failed again", named(&unit)), remedy));
    }
    match PhaseStatus::of(installation, root)?.1 {
        None => Ok(Some("installed")),
        Some(fault) => Err(Diagnosis::new(
            "it was tried again, and not all is there",
            fault.remedy.unwrap_or_default(),
        )),
    }
}

/// Starts what waited for the secrets: the target, and the units that read secrets and have failed.
fn start_waiting(installations: &[Installation], root: &Root) -> String {
    let units = unit_file::all(&readers::unit_directories(root));
    let target = units.iter().find(|unit| unit.name == TARGET).map(|unit| unit.name.clone());
    let mut readers: Vec<_> = who_reads::of(installations, root)
        .into_iter()
        .map(|reader| reader.unit)
        .collect();
    readers.dedup();
    let failed = systemd::failed(&readers);
    let wanted: Vec<_> = target.into_iter().chain(failed).collect();
    let started = wanted.iter().filter(|unit| systemd::start(unit));
    started
        .flat_map(|unit| ["started ".to_owned(), quoted(unit), "\n".to_owned()])
        .collect()
}
