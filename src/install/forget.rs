//! Removes all that was made outside the mount points, for all installations of a ledger.

use std::path::Path;

use super::{
    former::{self, Removed},
    homes::Homes,
    noted,
};
use crate::{system::root::Root, text::diagnosis::Diagnosis};

/// Removes all that the ledger `path` has, unless `refuse` says why not. It is told which symlink leads to a secret that is still there, if
/// any does. No run uses the ledger meanwhile.
///
/// # Errors
///
/// If the ledger cannot be used, or if a run uses it.
pub fn forget(
    root: &Root,
    path: &Path,
    refuse: impl FnOnce(Option<&Path>) -> Result<(), Diagnosis>,
) -> Result<Removed, Diagnosis> {
    let ledger = noted::open(root, path, Homes::Unknown, false).map_err(|error| error.diagnosis)?;
    let live = ledger.as_ref().and_then(|ledger| {
        let mut links = ledger.made.links.iter();
        links.find(|(_, link)| link.target.exists()).map(|(at, _)| at.as_path())
    });
    refuse(live)?;
    Ok(ledger.map_or_else(Removed::default, |mut ledger| former::clear_all(root, &mut ledger)))
}
