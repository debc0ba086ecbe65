//! A run with a manifest of nothing, on a host where nothing was published: it removes what earlier runs have made outside the mount point.

use super::change_lines;
use crate::{
    install::{self, Site, changes::Changes},
    manifest::Manifest,
};

/// Whether a run has nothing else to do: the manifest has nothing, and nothing was published since the start of the system.
pub(crate) fn is_all(manifest: &Manifest, site: &Site) -> bool {
    manifest.entry_count() == 0 && site.ledger.is_some() && install::has_nothing_published(site)
}

/// Removes what earlier runs have made, and says what; in a `dry` run, it says what would go. There is nothing to publish, so no file
/// system is mounted for it.
pub(crate) fn tidy(dry: bool, manifest: &Manifest, site: &Site) {
    if dry {
        change_lines::print(manifest, &Changes::default(), &install::former_links(site), true);
        return;
    }
    let removed = install::tidy(site);
    for warning in &removed.warnings {
        tracing::warn!("{warning}");
    }
    change_lines::print(manifest, &Changes::default(), &removed.links, false);
}
