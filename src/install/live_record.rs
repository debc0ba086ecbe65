//! What the record says of the live generation, for the run that completes it.

use super::{
    links, mount,
    record::{Record, ToComplete},
    site::Site,
};

/// The path of the manifest of the last run that made the live generation, or found it as it should be. `None` if no record says it, or if no run
/// may complete it.
pub(crate) fn live_manifest(site: &Site) -> Option<String> {
    let mount_point = mount::open(site).ok().flatten()?;
    let record = Record::read(&mount_point).ok().flatten()?;
    let is_live = |left: &ToComplete| links::leads_to(site, left.generation);
    record.to_complete.filter(is_live).map(|left| left.manifest)
}

/// The number of the live generation, if a rollback has made it live and no run has left anything to another one since. `None` if no record
/// says so.
pub(crate) fn rolled_back_to(site: &Site) -> Option<u64> {
    let mount_point = mount::open(site).ok().flatten()?;
    let record = Record::read(&mount_point).ok().flatten()?;
    let rollback = record
        .rollback
        .filter(|rollback| links::leads_to(site, rollback.generation))?;
    record.run.deferred.is_empty().then_some(rollback.generation)
}
