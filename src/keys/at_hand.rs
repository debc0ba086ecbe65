//! The keys at hand: the private keys that this process itself holds in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::{
    age::AgeMessage,
    effort::{FileTries, Tries},
    failure::EntryFailure,
    identity::Identity,
    openpgp::{PgpKey, PgpMessage},
    place::Place,
    recovery::DataKeyRecovery,
};
use crate::{sops::metadata::MasterKey, system::plaintext::Plaintext};

/// Limit: the keys at hand are tried on one file for at most this much processor time. The time in which other threads and
/// processes have the processor does not count, so that a busy machine tries as many keys as an idle one. A thousand recipient
/// entries for an age key take a tenth of a second. A thousand entries for an RSA key take longer. But only a file that was made to
/// delay a boot has so many.
const MOST_TIME: Duration = Duration::from_secs(10);

/// The processor time that this thread has used so far.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// The private keys that this process holds in memory. Clones share the keys, so that files can be opened on another thread.
#[derive(Clone, Default)]
pub struct KeysAtHand {
    /// The age identities and SSH keys, in the order in which they were loaded.
    pub(crate) identities: Vec<Arc<Identity>>,
    /// The OpenPGP keys, each with the key source of its SSH key.
    pub(crate) pgp_keys: Vec<Arc<(PgpKey, Place)>>,
    /// The tries that all files of a run share. A file takes one of these tries when its own tries are used up.
    pub(crate) tries: Arc<Tries>,
    /// The index of the identity that opened the last file. This identity is tried first, since the next file mostly has the same
    /// recipients.
    last: Arc<AtomicUsize>,
}

impl KeysAtHand {
    /// Tries the keys at hand on the file, except the keys that were already tried on it.
    pub fn open(&self, recovery: &mut DataKeyRecovery) {
        self.after(recovery.tried).try_all(recovery, MOST_TIME);
        recovery.tried = self.count();
    }

    /// The same keys for a single file, without the tries that files share. So the result for this file does not depend on other
    /// files.
    pub(crate) fn apart(&self) -> Self {
        Self {
            identities: self.identities.clone(),
            pgp_keys: self.pgp_keys.clone(),
            tries: Arc::new(Tries::none()),
            last: Arc::default(),
        }
    }

    /// Whether a key was not tried on some file because no try was left.
    pub(crate) fn lacked_tries(&self) -> bool {
        self.tries.was_refused()
    }

    /// The number of identities at hand, and the number of OpenPGP keys at hand.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.identities.len(), self.pgp_keys.len())
    }

    /// The keys that remain if the first `identities` identities and the first `pgp_keys` OpenPGP keys are left out.
    fn after(&self, (identities, pgp_keys): (usize, usize)) -> Self {
        if (identities, pgp_keys) == (0, 0) {
            return self.clone();
        }
        Self {
            identities: self.identities.iter().skip(identities).cloned().collect(),
            pgp_keys: self.pgp_keys.iter().skip(pgp_keys).cloned().collect(),
            tries: Arc::clone(&self.tries),
            // `last` is an index into the list of all identities. The list here is shorter, so `last` is not shared.
            last: Arc::default(),
        }
    }

    /// Tries all keys. `most` is the processor time after which no further recipient entry is tried.
    pub(crate) fn try_all(&self, recovery: &mut DataKeyRecovery, most: Duration) {
        recovery.mark(|key| self.owns(key));
        let tries = recovery.tries();
        let start = processor_time();
        recovery.advance(|_, key| {
            if processor_time().saturating_sub(start) < most {
                self.try_entry(key, &tries)
            } else {
                Some(Err(EntryFailure::OutOfTime(
                    "not tried: the entries before this one took too long",
                )))
            }
        });
    }

    /// Whether the recipient entry `key` names a key at hand.
    pub(crate) fn owns(&self, key: &MasterKey) -> bool {
        match key {
            MasterKey::Age { recipient, .. } => self.identities.iter().any(|identity| identity.is_named(recipient)),
            MasterKey::Pgp { fingerprint, .. } => self.pgp_keys.iter().any(|key| key.0.is_named(fingerprint)),
            MasterKey::Remote(_) => false,
        }
    }

    /// Opens one recipient entry with the keys at hand. Returns `None` if no key at hand is of the kind of the entry.
    fn try_entry(&self, key: &MasterKey, tries: &FileTries) -> Option<Result<Plaintext, EntryFailure>> {
        match key {
            MasterKey::Age { recipient, encrypted } => Some(self.open_age(recipient, encrypted, tries)),
            MasterKey::Pgp { fingerprint, encrypted } if !self.pgp_keys.is_empty() => {
                Some(self.open_pgp(fingerprint, encrypted, tries))
            }
            _ => None,
        }
    }

    /// Opens an armored age message: tries the identities at hand, one after the other, until one of them opens the message.
    pub(crate) fn open_age(&self, recipient: &str, encrypted: &str, tries: &FileTries) -> Result<Plaintext, EntryFailure> {
        let message = AgeMessage::parse(encrypted)?;
        let (named, other) = tries.efforts(&self.tries);
        let opened = first_opened(self.ours_first().map(|(index, identity)| {
            let effort = if identity.is_named(recipient) { &named } else { &other };
            let opened = message.open(identity, effort);
            opened.inspect(|_| self.last.store(index, Ordering::Relaxed))
        }));
        opened.map_err(|failure| failure.unless_untried(named.is_spent() || other.is_spent()))
    }

    /// Opens an armored OpenPGP message: tries the OpenPGP keys at hand, one after the other, until one of them opens the
    /// message.
    pub(crate) fn open_pgp(&self, fingerprint: &str, encrypted: &str, tries: &FileTries) -> Result<Plaintext, EntryFailure> {
        let message = PgpMessage::parse(encrypted)?;
        let (named, other) = tries.efforts(&self.tries);
        let opened = first_opened(self.pgp_keys.iter().map(|key| {
            let effort = if key.0.is_named(fingerprint) { &named } else { &other };
            message.open(&key.0, effort)
        }));
        opened.map_err(|failure| failure.unless_untried(named.is_spent() || other.is_spent()))
    }

    /// All identities with their indices. The identity that opened the last file comes first.
    pub(crate) fn ours_first(&self) -> impl Iterator<Item = (usize, &Identity)> {
        let last = self.last.load(Ordering::Relaxed);
        let all = || self.identities.iter().map(AsRef::as_ref).enumerate();
        all().skip(last).take(1).chain(all().filter(move |(index, _)| *index != last))
    }
}

/// Returns the first success. If no attempt succeeds, returns the last failure other than [`EntryFailure::NotOurs`], or
/// `NotOurs` if there is no other failure.
fn first_opened(attempts: impl Iterator<Item = Result<Plaintext, EntryFailure>>) -> Result<Plaintext, EntryFailure> {
    let mut worst = EntryFailure::NotOurs;
    for attempt in attempts {
        match attempt {
            Ok(key) => return Ok(key),
            Err(EntryFailure::NotOurs) => {}
            Err(failure) => worst = failure,
        }
    }
    Err(worst)
}
