//! A symlink or copy that an entry gets outside the published tree.

use std::path::{Path, PathBuf};

use super::{copies, destination::Destination, entry::Entry, walk};
use crate::system::root::Root;

/// A symlink or copy outside the published tree.
pub(crate) struct Outside<'a> {
    pub entry: &'a Entry<'a>,
    /// Its declared path.
    pub declared: &'a Path,
    /// The file in the live generation.
    pub to: PathBuf,
}

impl Outside<'_> {
    /// Whether it is at `place` already.
    pub(crate) fn is_at(&self, place: &Destination) -> bool {
        if self.entry.at_path.is_copy() {
            copies::is_there(place, self.entry)
        } else {
            place.target().is_some_and(|target| target == self.to.as_os_str())
        }
    }

    /// Whether it is there already.
    pub(crate) fn is_there(&self, root: &Root) -> bool {
        let place = walk::find(root, self.declared, None).ok().and_then(|way| way.place);
        place.is_some_and(|place| self.is_at(&place))
    }
}
