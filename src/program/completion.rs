//! The run that completes what a run without network has published.

use std::{
    collections::{BTreeSet, HashSet},
    os::unix::fs::MetadataExt as _,
    path::{self, PathBuf},
};

use rustix::fs::{Gid, Uid};

use super::{
    cli::{Arguments, ServiceMode},
    failure::Failure,
    lacks::Lacks,
    outcome::Outcome,
};
use crate::{
    install::{Entry, Owner, PlaceInGeneration, Site, live_record},
    manifest::Manifest,
    system::{ids::Ids, mode::FileMode, root::Root},
};

/// Whether this run completes what is live: the last run that made it, or found it as it should be, was of the same manifest. Then a file that stays closed
/// takes nothing away, and keeps no other from coming: the run before may have had a key that this one has not.
pub(crate) fn completes(arguments: &Arguments, site: &Site) -> bool {
    let published = || live_record::live_manifest(site);
    let is_published = |manifest: path::PathBuf| published().is_some_and(|published| *published == *manifest.to_string_lossy());
    arguments.key_services == ServiceMode::Complete && path::absolute(&arguments.manifest).is_ok_and(is_published)
}

/// The generation that a rollback has made live, if this run is to complete a set: what somebody has gone back to is left alone.
pub(crate) fn rolled_back_to(arguments: &Arguments, site: &Site) -> Option<u64> {
    let completes = arguments.key_services == ServiceMode::Complete;
    completes.then(|| live_record::rolled_back_to(site)).flatten()
}

/// Gives those `entries` that keep what is live of them, because something is awaited, the owners and modes that their files have: an old
/// value must not get to whoever is to read the new one.
pub(crate) fn keep_rights(lacks: &Lacks, entries: &mut [Entry<'_>], site: &Site) {
    let awaited: BTreeSet<_> = lacks.awaited_places().collect();
    for entry in entries.iter_mut().filter(|entry| awaited.contains(entry.place().as_str())) {
        if let Ok(live) = site.link.join(entry.place()).metadata() {
            entry.mode = FileMode::of_bits(live.mode());
            if let Owner::Ids(ids) = &mut entry.owner {
                *ids = Ids {
                    user: Uid::from_raw(live.uid()),
                    group: Gid::from_raw(live.gid()),
                };
            }
        }
    }
}

/// The declared paths of what is awaited.
pub(crate) fn awaited_paths(manifest: &Manifest, lacks: &Lacks, root: &Root) -> HashSet<PathBuf> {
    let awaited: BTreeSet<_> = lacks.awaited_places().collect();
    let secrets = manifest.secrets.iter();
    let secrets = secrets.map(|secret| (PlaceInGeneration::of_secret(&secret.name), &secret.placement));
    let templates = manifest.templates.iter();
    let templates = templates.map(|template| (PlaceInGeneration::of_template(&template.name), &template.placement));
    let awaited = secrets.chain(templates).filter(|(place, _)| awaited.contains(place.as_str()));
    awaited
        .filter_map(|(_, placement)| Some(root.locate(placement.path.as_ref()?)))
        .collect()
}

/// Makes failures of what is awaited, in the run that completes the set. The rest is published nevertheless, as at the boot: what one file
/// lacks must not keep the others from coming. So if the run completes what is live, a failure is tolerated as well if nothing of it is
/// live. Over the secrets of another manifest, a failure changes nothing, as in any run.
pub(crate) fn settle(arguments: &Arguments, site: &Site, lacks: &mut Lacks) {
    if arguments.key_services != ServiceMode::Complete {
        return;
    }
    lacks.fail_awaited();
    if lacks.failures.iter().any(|failure| !failure.is_tolerated) && completes(arguments, site) {
        for failure in &mut lacks.failures {
            failure.is_tolerated |= lacks_nothing_live(failure, site);
        }
    }
}

/// The outcome of this run, which has ended with `outcome`. A run that completes the set is repeated if it fails, so it says if no key
/// could help.
pub(crate) fn outcome(arguments: &Arguments, lacks: &Lacks, outcome: Outcome) -> Outcome {
    let has_failed = outcome == Outcome::PublishedRest || outcome == Outcome::NothingChanged && !lacks.failures.is_empty();
    if arguments.key_services == ServiceMode::Complete && has_failed && !lacks.may_come {
        Outcome::NeedsRepair
    } else {
        outcome
    }
}

/// Whether none of the entries that failed is in the live generation.
fn lacks_nothing_live(failure: &Failure, site: &Site) -> bool {
    let is_live = |place: String| site.link.join(place).symlink_metadata().is_ok();
    !failure.entries.is_empty() && !failure.places().any(is_live)
}
