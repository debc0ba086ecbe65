//! The unit requests of a run: units to restart and units to reload.

use std::collections::HashSet;

/// Units to restart and units to reload. [`UnitRequests::deduplicate`] removes units that are in a list twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitRequests {
    /// Units to restart, in the order of declaration.
    pub restart: Vec<String>,
    /// Units to reload, in the order of declaration.
    pub reload: Vec<String>,
}

impl UnitRequests {
    /// Whether no unit is to be restarted or reloaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restart.is_empty() && self.reload.is_empty()
    }

    /// Appends units to the two lists.
    pub fn extend(&mut self, restart: &[String], reload: &[String]) {
        self.restart.extend_from_slice(restart);
        self.reload.extend_from_slice(reload);
    }

    /// These requests without `others`.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let rest = |units: &[String], others: &[String]| units.iter().filter(|unit| !others.contains(unit)).cloned().collect();
        Self {
            restart: rest(&self.restart, &others.restart),
            reload: rest(&self.reload, &others.reload),
        }
    }

    /// The units of both lists, each unit once.
    pub(crate) fn units(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let all = self.restart.iter().chain(&self.reload);
        all.filter(|unit| seen.insert(*unit)).cloned().collect()
    }

    /// Removes repeated units from each list. The first of equal units stays.
    pub fn deduplicate(&mut self) {
        for units in [&mut self.restart, &mut self.reload] {
            let mut seen = HashSet::new();
            units.retain(|unit| seen.insert(unit.clone()));
        }
    }
}
