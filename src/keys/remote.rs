//! Opens files with keys that key services hold, such as those of clouds.

use std::collections::HashMap;

use super::{
    external::names,
    failure::EntryFailure,
    group::EntryIndex,
    keyring::Keyring,
    programs::key_services::{self, ServiceEntry},
    recovery::DataKeyRecovery,
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
    pub(crate) fn open_with_key_services(&self, recoveries: &mut [&mut DataKeyRecovery]) {
        let Some(services) = &self.key_services else { return };
        let (positions, keys): (Vec<_>, Vec<_>) = closed_entries(recoveries).into_iter().unzip();
        if keys.is_empty() {
            return;
        }
        let keys = numbered(&positions, keys);
        let files = positions.iter().filter_map(|(file, _)| recoveries.get(*file));
        let files = names(files.map(|recovery| recovery.file.as_str()));
        let answers = match self.time_left() {
            Ok(time) => key_services::ask(services, &keys, &files, time),
            Err(failure) => keys.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mut answers: HashMap<Position, _> = positions.into_iter().zip(answers).collect();
        for (file, recovery) in recoveries.iter_mut().enumerate() {
            recovery.advance(|index, key| match key {
                MasterKey::Remote(_) => Some(answers.remove(&(file, index)).unwrap_or(Err(EntryFailure::NotTried))),
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

/// The closed entries of key services that are asked for.
fn closed_entries(recoveries: &[&mut DataKeyRecovery]) -> Vec<(Position, RemoteKey)> {
    let mut entries = Vec::new();
    for (file, recovery) in recoveries.iter().enumerate() {
        let remote = recovery.closed().into_iter().filter_map(|(index, key)| match key {
            MasterKey::Remote(key) => Some(((file, index), key.clone())),
            _ => None,
        });
        entries.extend(remote.take(MOST_ENTRIES));
    }
    entries
}
