//! Removes what was made outside the mount points, once the host is not set up to install secrets any more.

use rustix::process::geteuid;

use super::installation::{self, Installation};
use crate::{
    command::{audience::Audience, cli::ForgetArguments, layout::line, reply::Reply},
    install::{self, FormerPlace},
    program::{environment::Environment, site},
    system::root::Root,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Carries out the command `sops-nix forget`: for root it is about the system, for a plain user about that user.
///
/// # Errors
///
/// With a message for people, if secrets are still installed, or if the ledger cannot be used.
pub(crate) fn answer(arguments: &ForgetArguments, audience: Audience, root: &Root) -> Result<Reply, Diagnosis> {
    let environment = Environment::read();
    let ledger = if geteuid().is_root() {
        root.ledger()
    } else {
        let home = environment.keys.home.as_deref();
        site::ledger_of_user(home.ok_or_else(|| {
            Diagnosis::new(
                "HOME is not set, and the ledger is in your home",
                "set HOME, and type this again",
            )
        })?)
    };
    let removed = install::forget(root, &ledger, |live| {
        none_installs(root, &environment)?;
        match live.filter(|_| !arguments.yes) {
            Some(live) if live.is_copy => Err(Diagnosis::new(
                format!("{} is a copy of a secret that is still there", shown(&live.path)),
                "restart the host, or to remove it all the same, run: sops-nix forget --yes",
            )),
            Some(live) => Err(Diagnosis::new(
                format!("{} leads to a secret that is still there", shown(&live.path)),
                "restart the host, or to remove the links all the same, run: sops-nix forget --yes",
            )),
            None => Ok(()),
        }
    })?;
    let told = |place: &FormerPlace| match audience {
        Audience::Person => format!("removed {}\n", shown(&place.path)),
        Audience::Script => line(&["removed", &place.path.to_string_lossy()]),
    };
    let mut text: String = removed.links.iter().map(told).collect();
    if text.is_empty() && removed.warnings.is_empty() && audience == Audience::Person {
        "nothing is left to remove\n".clone_into(&mut text);
    }
    Ok(Reply {
        text,
        has_findings: removed.stays,
        remarks: removed.warnings.into_iter().map(Diagnosis::bare).collect(),
        ..Reply::default()
    })
}

/// Fails if an installation of whoever asks still has secrets or templates, or if its manifest cannot be read, so that nobody knows.
fn none_installs(root: &Root, environment: &Environment) -> Result<(), Diagnosis> {
    let is_of_asker = |found: &Installation| found.user.is_none() == geteuid().is_root();
    for installation in installation::of_own(root, environment).into_iter().filter(is_of_asker) {
        let object = installation.object();
        let manifest = installation.manifest.map_err(|failure| failure.of(&object))?;
        if manifest.entry_count() != 0 {
            return Err(Diagnosis::new(
                format!("{object} is still to be installed, so its links are needed"),
                "take its secrets and templates out of the configuration, and switch: that removes their links, too",
            ));
        }
    }
    Ok(())
}
