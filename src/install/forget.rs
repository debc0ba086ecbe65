//! Removes all that was made outside the mount points, for all installations of a ledger.

use std::path::Path;

use super::{
    former::{self, FormerPlace, Removed},
    homes::Homes,
    open_ledger,
};
use crate::{system::root::Root, text::diagnosis::Diagnosis};

/// Removes all that the ledger `path` has, unless `refuse` says why not. It is told at which place a symlink leads to a secret that is still there,
/// or is a copy of one, if there is any. No run uses the ledger meanwhile.
///
/// # Errors
///
/// If the ledger cannot be used, or if a run uses it.
pub fn forget(
    root: &Root,
    path: &Path,
    refuse: impl FnOnce(Option<FormerPlace>) -> Result<(), Diagnosis>,
) -> Result<Removed, Diagnosis> {
    let ledger = open_ledger::open(root, path, Homes::Unknown, false).map_err(|error| error.diagnosis)?;
    let live = ledger.as_ref().and_then(|ledger| {
        let mut links = ledger.made.links.iter();
        let live = links.find(|(_, link)| link.target.exists());
        live.map(|(at, link)| FormerPlace {
            path: at.clone(),
            is_copy: link.is_copy,
        })
    });
    refuse(live)?;
    Ok(ledger.map_or_else(Removed::default, |mut ledger| former::clear_all(root, &mut ledger)))
}
