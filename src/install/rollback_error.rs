//! Why there can be no rollback.

use std::path::Path;

use super::error::InstallError;
use crate::text::printable::shown;

/// Nothing is live that a rollback could replace.
pub(crate) fn nothing_live(link: &Path) -> InstallError {
    InstallError::new(
        format!("{} leads to no generation, so there is nothing to roll back", shown(link)),
        "to install what the configuration says, run: sops-nix retry",
    )
}

/// No generation is older than the live generation `live`.
pub(crate) fn nothing_older(mount_point: &Path, live: u64) -> InstallError {
    InstallError::new(
        format!(
            "{} has no generation that is older than the live one, {live}",
            shown(mount_point)
        ),
        "set sops.keepGenerations to 2 or more; the runs after that keep the generations before them, until the next boot",
    )
}

/// The older generation `older` may be a part of what it was.
pub(crate) fn incomplete(mount_point: &Path, older: u64) -> InstallError {
    InstallError::new(
        format!(
            "generation {older} in {} has no mark that it is complete: a run was ended while it wrote or removed it, or a version without \
             such marks made it",
            shown(mount_point)
        ),
        "to go back further than to the live generation, switch to an older configuration",
    )
}

/// Another run has published or pruned since the rollback was examined.
pub(crate) fn changed_meanwhile(link: &Path) -> InstallError {
    InstallError::new(
        format!(
            "another run has changed what is installed since this rollback was examined; {} is unchanged by it",
            shown(link)
        ),
        "look at sops-nix status, and run this again",
    )
}
