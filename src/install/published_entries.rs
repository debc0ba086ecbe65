//! What a run has published, for the record of the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{changes::Changes, entry::Entry};

/// The last change of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// When it was published, in seconds since 1970.
    pub(crate) time: u64,
    /// The units that were asked to restart or reload because of it. At a first publication, none is asked.
    pub(crate) units: Vec<String>,
}

/// What a run has published, as far as the record tells it.
#[derive(Clone, Copy)]
pub(crate) struct PublishedEntries<'a> {
    /// The number of the generation.
    pub(crate) generation: u64,
    /// Whether the run has made the generation. If not, nothing has changed, and the generation stays.
    pub(crate) is_new: bool,
    /// Whether no generation was live before.
    pub(crate) is_first: bool,
    /// Whether another run may complete the generation, because the manifest has key services.
    pub(crate) may_be_completed: bool,
    /// What differs from the generation before.
    pub(crate) changes: &'a Changes,
    /// All entries of the generation.
    pub(crate) entries: &'a [Entry<'a>],
}

impl PublishedEntries<'_> {
    /// When each entry last changed. `earlier` is what the record before says. `time` is the time of this publication.
    pub(crate) fn last_changes(self, earlier: &BTreeMap<String, Change>, time: u64) -> BTreeMap<String, Change> {
        let asked = |entry: &Entry<'_>| [entry.restart_units, entry.reload_units].concat();
        let change = |entry: &Entry<'_>| {
            let units = match (self.is_first, self.changes.has(entry)) {
                (true, _) => Vec::new(),
                (false, true) => asked(entry),
                (false, false) => return earlier.get(entry.place().as_str()).cloned(),
            };
            Some(Change { time, units })
        };
        let changes = self
            .entries
            .iter()
            .map(|entry| (entry.place().as_str().to_owned(), change(entry)));
        changes.filter_map(|(place, change)| Some((place, change?))).collect()
    }
}
