//! Opens files with keys that key services hold, such as those of clouds.

use std::collections::{HashMap, HashSet};

use super::{
    external::names,
    failure::EntryFailure,
    group::EntryIndex,
    keyring::Keyring,
    programs::key_services::{self, ServiceEntry},
    recovery::DataKeyRecovery,
    sources::KeyServices,
};
use crate::sops::{metadata::MasterKey, remote::RemoteKey};

/// Limit: key services are asked for at most this many entries of one file, so that a file that somebody has changed does not use up
/// the time for all others. sops writes one entry for each key and key group.
const MOST_ENTRIES: usize = 64;

/// The position of a file, and the index of an entry in it.
type Position = (usize, EntryIndex);

impl Keyring {
    /// Asks key services about their entries that are still closed, of all files at once. Nothing is asked and no program is started if
    /// there is no such entry.
    ///
    /// An answer opens its key group before anybody knows whether it fits the file, and then the other entries of the group are not asked. If
    /// it does not fit, as after a merge of two versions of a file, they are asked afterwards.
    pub(crate) fn open_with_key_services(&self, recoveries: &mut [&mut DataKeyRecovery]) {
        let Some(services) = &self.key_services else { return };
        let mut decided = HashSet::new();
        loop {
            let wanted = closed_entries(recoveries, &decided);
            let before = decided.len();
            if !wanted.is_empty() {
                self.ask_key_services(services, wanted, recoveries, &mut decided);
            }
            if decided.len() == before {
                break;
            }
        }
        for (file, recovery) in recoveries.iter_mut().enumerate() {
            recovery.advance(|index, key| {
                let is_left = matches!(key, MasterKey::Remote(_)) && !decided.contains(&(file, index));
                is_left.then_some(Err(EntryFailure::NotTried))
            });
        }
    }

    /// Asks about `wanted`, and gives the answers to the files. The entries that were decided, for better or worse, are added to `decided`.
    fn ask_key_services(
        &self,
        services: &KeyServices,
        wanted: Vec<(Position, RemoteKey)>,
        recoveries: &mut [&mut DataKeyRecovery],
        decided: &mut HashSet<Position>,
    ) {
        let (positions, keys): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let keys = numbered(&positions, keys);
        let files = positions.iter().filter_map(|(file, _)| recoveries.get(*file));
        let files = names(files.map(|recovery| recovery.file.as_str()));
        let answers = match self.time_left() {
            Ok(time) => key_services::ask(services, &keys, &files, time),
            Err(failure) => keys.iter().map(|_| Err(failure.clone())).collect(),
        };
        let decisions = positions.into_iter().zip(answers);
        let mut answers: HashMap<Position, _> = decisions
            .filter(|(_, answer)| !matches!(answer, Err(EntryFailure::NotTried)))
            .collect();
        decided.extend(answers.keys().copied());
        for (file, recovery) in recoveries.iter_mut().enumerate() {
            recovery.advance(|index, key| match key {
                MasterKey::Remote(_) => answers.remove(&(file, index)),
                _ => None,
            });
        }
    }
}

/// The entries with the numbers of their key groups.
fn numbered(positions: &[Position], keys: Vec<RemoteKey>) -> Vec<ServiceEntry> {
    let mut numbers = HashMap::new();
    let wanted = positions.iter().zip(keys).map(|((file, index), key)| {
        let next = numbers.len();
        let group = *numbers.entry((*file, index.group)).or_insert(next);
        ServiceEntry { group, key }
    });
    wanted.collect()
}

/// The closed entries of key services that are asked for. Once some are `decided`, those are asked for as well whose group was opened by an
/// answer that does not fit.
fn closed_entries(recoveries: &[&mut DataKeyRecovery], decided: &HashSet<Position>) -> Vec<(Position, RemoteKey)> {
    let mut entries = Vec::new();
    for (file, recovery) in recoveries.iter().enumerate() {
        let is_wanted = |index: EntryIndex| decided.is_empty() || recovery.has_open_group(index);
        let remote = recovery.closed().into_iter().filter_map(|(index, key)| match key {
            MasterKey::Remote(key) => Some(((file, index), key.clone())),
            _ => None,
        });
        let remote = remote.take(MOST_ENTRIES);
        entries.extend(remote.filter(|(position, _)| is_wanted(position.1) && !decided.contains(position)));
    }
    entries
}
