//! What is asked of systemd: units to be restarted and reloaded.

use std::collections::HashSet;

/// Units to be restarted and reloaded, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitRequests {
    /// Units to restart, in the order in which they were declared.
    pub restart: Vec<String>,
    /// Units to reload, in the order in which they were declared.
    pub reload: Vec<String>,
}

impl UnitRequests {
    /// Whether there is nothing to request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restart.is_empty() && self.reload.is_empty()
    }

    /// Adds units behind those that are there.
    pub fn extend(&mut self, restart: &[String], reload: &[String]) {
        self.restart.extend_from_slice(restart);
        self.reload.extend_from_slice(reload);
    }

    /// All units, each once.
    pub(crate) fn units(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let all = self.restart.iter().chain(&self.reload);
        all.filter(|unit| seen.insert(*unit)).cloned().collect()
    }

    /// Removes repeated units from each list; the first of each stays.
    pub fn deduplicate(&mut self) {
        for units in [&mut self.restart, &mut self.reload] {
            let mut seen = HashSet::new();
            units.retain(|unit| seen.insert(unit.clone()));
        }
    }
}
