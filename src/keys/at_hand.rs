//! The keys in the memory of this process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Opening,
    age::Message,
    effort::{Effort, Tries},
    failure::Failure,
    identity::Identity,
    notice::Place,
    openpgp::{PgpKey, PgpMessage},
};
use crate::{plaintext::Plaintext, sops::metadata::MasterKey};

/// The most time that the keys at hand get for one file. A thousand entries for an age key take a tenth of a second; a thousand for an RSA
/// key are a file made to hold up a boot.
const MOST_TIME: Duration = Duration::from_secs(10);

/// The keys in the memory of this process. A clone shares them: whoever opens files on another thread has one.
#[derive(Clone, Default)]
pub struct KeysAtHand {
    pub(super) identities: Vec<Arc<Identity>>,
    pub(super) pgp_keys: Vec<Arc<(PgpKey, Place)>>,
    /// What all files share.
    pub(super) tries: Arc<Tries>,
    /// The identity that opened the last file: the next one has mostly the same recipients.
    last: Arc<AtomicUsize>,
}

impl KeysAtHand {
    /// Tries them on a file.
    pub fn open(&self, opening: &mut Opening) {
        opening.tried = self.identities.len();
        opening.mark(|key| self.owns(key));
        let tries = Arc::clone(&opening.tries);
        let effort = Effort::new(&tries, &self.tries);
        let late = Instant::now() + MOST_TIME;
        opening.advance(|_, key| {
            if Instant::now() < late {
                self.try_entry(key, &effort)
            } else {
                Some(Err(Failure::Told(
                    "not tried: the entries before it took too long".to_owned(),
                )))
            }
        });
    }

    /// Whether the entry names one of them.
    pub(super) fn owns(&self, key: &MasterKey) -> bool {
        match key {
            MasterKey::Age { recipient, .. } => self.identities.iter().any(|identity| identity.is_named(recipient)),
            MasterKey::Pgp { fingerprint, .. } => self.pgp_keys.iter().any(|key| key.0.is_named(fingerprint)),
            MasterKey::Remote { .. } => false,
        }
    }

    /// Opens an entry. Nothing where there is no key of its kind.
    fn try_entry(&self, key: &MasterKey, effort: &Effort<'_>) -> Option<Result<Plaintext, Failure>> {
        let opened = match key {
            MasterKey::Age { encrypted, .. } => self.open_age(encrypted, effort),
            MasterKey::Pgp { encrypted, .. } if !self.pgp_keys.is_empty() => self.open_pgp(encrypted, effort),
            _ => return None,
        };
        let too_many = "not tried: more messages before it look like ones for a key of this host than any file needs";
        Some(opened.map_err(|failure| {
            if effort.is_spent() {
                Failure::Told(too_many.to_owned())
            } else {
                failure
            }
        }))
    }

    /// Opens one armored age message with whichever identity does.
    pub(super) fn open_age(&self, encrypted: &str, effort: &Effort<'_>) -> Result<Plaintext, Failure> {
        let message = Message::parse(encrypted)?;
        first_opened(self.in_order_of_hope().map(|(index, identity)| {
            let opened = message.open(identity, effort);
            opened.inspect(|_| self.last.store(index, Ordering::Relaxed))
        }))
    }

    /// Opens one armored OpenPGP message with whichever key does.
    pub(super) fn open_pgp(&self, encrypted: &str, effort: &Effort<'_>) -> Result<Plaintext, Failure> {
        let message = PgpMessage::parse(encrypted)?;
        first_opened(self.pgp_keys.iter().map(|key| message.open(&key.0, effort)))
    }

    /// All identities, beginning with the one that opened the last file.
    pub(super) fn in_order_of_hope(&self) -> impl Iterator<Item = (usize, &Identity)> {
        let last = self.last.load(Ordering::Relaxed);
        let all = || self.identities.iter().map(AsRef::as_ref).enumerate();
        all().skip(last).take(1).chain(all().filter(move |(index, _)| *index != last))
    }
}

/// The first success, else the most telling failure.
fn first_opened(attempts: impl Iterator<Item = Result<Plaintext, Failure>>) -> Result<Plaintext, Failure> {
    let mut worst = Failure::NotOurs;
    for attempt in attempts {
        match attempt {
            Ok(key) => return Ok(key),
            Err(Failure::NotOurs) => {}
            Err(failure) => worst = failure,
        }
    }
    Err(worst)
}
