//! What a run puts at a place, and what it knows of the place.

use rustix::fs::{FileType, Stat};

use super::{
    files,
    made::{MadeLink, mark},
};

/// What is put at a place.
pub(crate) struct Newcomer<'a> {
    /// Whether it is a copy. Otherwise, it is a symlink.
    pub(crate) is_copy: bool,
    /// What the ledger had of the place before.
    known: Option<&'a MadeLink>,
}

impl<'a> Newcomer<'a> {
    /// A symlink.
    pub(crate) fn link(known: Option<&'a MadeLink>) -> Self {
        Self { is_copy: false, known }
    }

    /// A copy.
    pub(crate) fn copy(known: Option<&'a MadeLink>) -> Self {
        Self { is_copy: true, known }
    }

    /// What messages call it.
    pub(crate) fn noun(&self) -> &'static str {
        if self.is_copy { "copy" } else { "link" }
    }

    /// Whether a file with this status has taken the place of a copy, or is one that somebody has changed. It does not come back.
    pub(crate) fn was_copy(&self, there: &Stat) -> bool {
        let was_there = |known: &MadeLink| known.copy.is_some() && known.backup.as_ref() != Some(&mark(there));
        files::kind(there) == FileType::RegularFile && self.known.is_some_and(was_there)
    }

    /// Whether a file with this status is a copy that an earlier run has made at the place.
    pub(crate) fn replaces(&self, there: &Stat) -> bool {
        self.known.is_some_and(|known| known.is_copy_with(there))
    }
}
