//! Opens files with keys that key services hold, such as those of clouds.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use super::{
    external::names,
    failure::EntryFailure,
    group::EntryIndex,
    keyring::Keyring,
    programs::key_services::{self, ServiceEntry},
    recovery::DataKeyRecovery,
    sources::{KeyServices, ServiceReach},
};
use crate::sops::{metadata::MasterKey, remote::RemoteKey};

/// Limit: key services are asked for at most this many entries of one file at a time, so that a file that somebody has changed does not use up
/// the time for all others. sops writes one entry for each key and key group.
const MOST_ENTRIES: usize = 64;

/// The program is not started again for less time than this.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// What is said of an entry that was not asked for because no time was left.
const NO_TIME: &str = "not asked, because no time was left after another entry had opened; raise sops.keyServices.timeout";

/// The position of a file, and the index of an entry in it.
type Position = (usize, EntryIndex);

impl Keyring {
    /// Asks key services about their entries that are still closed, of all files at once. Nothing is asked and no program is started if
    /// there is no such entry, or if this run does not reach key services.
    ///
    /// An answer opens its key group before anybody knows whether it fits the file, and then the other entries of the group need not be asked. If
    /// enough groups are open and do not fit, as after a merge of two versions of a file, they are asked together, once, in the time that is left.
    pub(crate) fn open_with_key_services(&self, recoveries: &mut [&mut DataKeyRecovery]) {
        let services = self.key_services.as_ref().filter(|_| self.reach == ServiceReach::Now);
        let Some(services) = services else { return };
        let start = Instant::now();
        let wanted = closed_entries(recoveries);
        if wanted.is_empty() {
            return;
        }
        let mut decided: HashSet<Position> = wanted.iter().map(|(position, _)| *position).collect();
        let mut left = self.ask_key_services(services, grouped(wanted), recoveries);
        decided.retain(|position| !left.contains(position));
        let again = of_use_again(recoveries, &decided);
        let time = services.timeout.saturating_sub(start.elapsed());
        if time < LEAST_TIME {
            let late = again.into_iter().map(|(position, _)| position).collect();
            give(recoveries, &late, &EntryFailure::ProgramFailed(NO_TIME.to_owned()));
        } else if !again.is_empty() {
            let services = KeyServices {
                timeout: time,
                ..services.clone()
            };
            left.retain(|position| !again.iter().any(|(asked, _)| asked == position));
            left.extend(self.ask_key_services(&services, alone(again), recoveries));
        }
        give(recoveries, &left, &EntryFailure::NotTried);
    }

    /// Asks about `wanted`, which are entries with their positions, and gives the answers to the files. Returns the positions of those that were not decided.
    fn ask_key_services(
        &self,
        services: &KeyServices,
        wanted: Vec<(Position, ServiceEntry)>,
        recoveries: &mut [&mut DataKeyRecovery],
    ) -> HashSet<Position> {
        let (positions, keys): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let files = positions.iter().filter_map(|(file, _)| recoveries.get(*file));
        let files = names(files.map(|recovery| recovery.file.as_str()));
        let answers = match self.time_left() {
            Ok(time) => key_services::ask(services, &keys, &files, time),
            Err(failure) => keys.iter().map(|_| Err(failure.clone())).collect(),
        };
        let (mut decided, mut left) = (HashMap::new(), HashSet::new());
        for (position, answer) in positions.into_iter().zip(answers) {
            match answer {
                Err(EntryFailure::NotTried) => drop(left.insert(position)),
                answer => drop(decided.insert(position, answer)),
            }
        }
        for (file, recovery) in recoveries.iter_mut().enumerate() {
            recovery.advance(|index, _| decided.remove(&(file, index)));
        }
        left
    }
}

impl Keyring {
    /// Whether this run asks key services.
    #[must_use]
    pub fn asks_services(&self) -> bool {
        self.key_services.is_some() && self.reach == ServiceReach::Now
    }
}

/// The entries with the numbers of their key groups. As soon as one of a group is open, the others are not waited for.
fn grouped(wanted: Vec<(Position, RemoteKey)>) -> Vec<(Position, ServiceEntry)> {
    let mut numbers = HashMap::new();
    let number = |((file, index), key): (Position, RemoteKey)| {
        let next = numbers.len();
        let group = *numbers.entry((file, index.group)).or_insert(next);
        ((file, index), ServiceEntry { group, key })
    };
    wanted.into_iter().map(number).collect()
}

/// The entries, each in a group of its own, so that all are waited for.
fn alone(wanted: Vec<(Position, RemoteKey)>) -> Vec<(Position, ServiceEntry)> {
    let number = |(group, (position, key))| (position, ServiceEntry { group, key });
    wanted.into_iter().enumerate().map(number).collect()
}

/// Gives the entries in `left` to their files as not opened, because of `failure`.
fn give(recoveries: &mut [&mut DataKeyRecovery], left: &HashSet<Position>, failure: &EntryFailure) {
    for (file, recovery) in recoveries.iter_mut().enumerate() {
        recovery.advance(|index, _| left.contains(&(file, index)).then(|| Err(failure.clone())));
    }
}

/// The entries that it is of use to ask for after a first answer: those of open groups, if enough are open and do not fit. Groups that were open from the
/// start, by a key of this host, are among them. What is in `decided` is not asked again.
fn of_use_again(recoveries: &[&mut DataKeyRecovery], decided: &HashSet<Position>) -> Vec<(Position, RemoteKey)> {
    let is_stuck = |recovery: &DataKeyRecovery| !recovery.is_open() && recovery.is_enough();
    closed_entries_where(recoveries, |position| {
        let recovery = recoveries.get(position.0).filter(|recovery| is_stuck(recovery));
        recovery.is_some_and(|recovery| recovery.has_open_group(position.1)) && !decided.contains(&position)
    })
}

/// The closed entries of key services that are asked for.
fn closed_entries(recoveries: &[&mut DataKeyRecovery]) -> Vec<(Position, RemoteKey)> {
    closed_entries_where(recoveries, |_| true)
}

fn closed_entries_where(recoveries: &[&mut DataKeyRecovery], is_asked: impl Fn(Position) -> bool) -> Vec<(Position, RemoteKey)> {
    let mut entries = Vec::new();
    for (file, recovery) in recoveries.iter().enumerate() {
        let closed = recovery.closed().into_iter().filter(|(index, _)| is_asked((file, *index)));
        let remote = closed.filter_map(|(index, key)| match key {
            MasterKey::Remote(key) => Some(((file, index), key.clone())),
            _ => None,
        });
        entries.extend(remote.take(MOST_ENTRIES));
    }
    entries
}
