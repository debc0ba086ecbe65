//! Removes what installations have left that this host is not set up for any more.

use std::path::PathBuf;

use rustix::process::geteuid;

use super::installation;
use crate::{
    command::reply::Reply,
    install::{self, Homes, LedgerOf},
    program::environment::Environment,
    system::root::Root,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// Carries out the command `sops-nix forget`.
///
/// # Errors
///
/// With a message for people, if a ledger or a manifest cannot be read.
pub(crate) fn answer(root: &Root) -> Result<Reply, Diagnosis> {
    let environment = Environment::read();
    let (directory, homes) = if geteuid().is_root() {
        (root.state(), Homes::Known)
    } else {
        let home = environment.keys.home.clone().unwrap_or_default();
        (home.join(".local/state/sops-nix"), Homes::Unknown)
    };
    let live = live_links(root, &environment)?;
    let mut reply = Reply::default();
    let ledgers = install::ledgers(root, &directory).map_err(|error| error.diagnosis)?;
    for ledger in &ledgers {
        if live.contains(&ledger.link) {
            reply.failures.push(still_there(ledger));
            continue;
        }
        let forgotten = install::forget(root, ledger, homes).map_err(|error| error.diagnosis)?;
        reply
            .text
            .extend(forgotten.links.iter().map(|link| format!("removed {}\n", shown(link))));
        reply.remarks.extend(forgotten.warnings.into_iter().map(Diagnosis::bare));
    }
    if reply.text.is_empty() && reply.failures.is_empty() && reply.remarks.is_empty() {
        "nothing is left to remove\n".clone_into(&mut reply.text);
    }
    Ok(reply)
}

/// The links of the installations that this host is set up for, as far as they install anything.
///
/// # Errors
///
/// If a manifest cannot be read: it may be that of any link.
fn live_links(root: &Root, environment: &Environment) -> Result<Vec<PathBuf>, Diagnosis> {
    let mut links = Vec::new();
    for installation in installation::of_own(root, environment) {
        let object = installation.object();
        let manifest = installation.manifest.map_err(|failure| failure.of(object))?;
        if !manifest.secrets.is_empty() || !manifest.templates.is_empty() {
            links.push(root.locate(&manifest.link));
        }
    }
    Ok(links)
}

fn still_there(ledger: &LedgerOf) -> Diagnosis {
    Diagnosis::new(
        format!("this host is still set up to install secrets in {}", shown(&ledger.link)),
        "take them out of the configuration, and switch: that removes their links, too",
    )
}
