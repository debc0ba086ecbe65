//! Removes all that was made outside the mount points, for all installations of a ledger.

use std::path::Path;

use super::{
    former::{self, Reach, Removed},
    homes::Homes,
    noted::{self, Places},
};
use crate::{system::root::Root, text::diagnosis::Diagnosis};

/// Removes all that the ledger `path` has, unless `refuse` says why not. No run uses the ledger meanwhile.
///
/// # Errors
///
/// If the ledger cannot be used, or if a run uses it.
pub fn forget(root: &Root, path: &Path, refuse: impl FnOnce() -> Result<(), Diagnosis>) -> Result<Removed, Diagnosis> {
    let ledger = noted::open(root, path, Homes::Unknown, false).map_err(|error| error.diagnosis)?;
    refuse()?;
    let Some(mut ledger) = ledger else {
        return Ok(Removed::default());
    };
    let all: Vec<_> = ledger.made.links.keys().cloned().collect();
    Ok(former::clear(root, &mut ledger, &Places::new(), &all, Reach::All))
}
