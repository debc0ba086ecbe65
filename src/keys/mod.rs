//! From the host's keys to a file's data key.
//!
//! [`Keyring::load`] reads the sources that [`KeySources`] names, each once, and nothing else: no home directory is searched.
//! A file is an [`Opening`]: [`Keyring::open`] tries the keys at hand, [`Keyring::open_with_programs`] then asks key commands, age
//! plugins and gpg about all that is still closed, and [`Keyring::finish`] gives the data key or a [`NoKey`], which says why there is
//! none. What a person should hear about the sources is in [`Keyring::take_notices`].

mod age;
mod choices;
mod command;
mod effort;
mod failure;
mod foreign;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gpg;
mod hybrid;
mod identity;
mod load;
mod lock;
mod notice;
mod opening;
mod openpgp;
mod plugin;
mod program;
mod programs;
mod report;
mod shamir;
mod sources;
mod ssh;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

pub use crate::child::ChildError;
pub use foreign::Foreign;
pub use notice::{Cause, Damage, Notice, Place, Problem};
pub use opening::Opening;
pub use report::NoKey;
pub use sources::{Credential, GpgSource, KeyFile, KeySources, SshKeyFile};

use crate::{
    plaintext::Plaintext,
    sops::metadata::{MasterKey, Metadata},
};
use age::Message;
use command::KeyCommand;
use effort::{Effort, Tries};
use failure::Failure;
use gpg::Gpg;
use identity::Identity;
use openpgp::{PgpKey, PgpMessage};
use plugin::PluginIdentity;

/// The variable that holds age identities as text.
pub const AGE_KEY_VARIABLE: &str = "SOPS_AGE_KEY";
/// The variable that names a command which prints age identities.
pub const AGE_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_KEY_CMD";
/// The variable that names a command which prints an SSH private key.
pub const SSH_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";

/// The most time that the keys at hand get for one file. A thousand entries for an age key take a tenth of a second; a thousand for an RSA
/// key are a file made to hold up a boot.
const MOST_TIME: Duration = Duration::from_secs(10);

/// The keys of this host, ready to open files.
#[derive(Default)]
pub struct Keyring {
    identities: Vec<Identity>,
    pgp_keys: Vec<(PgpKey, Place)>,
    plugins: Vec<(PluginIdentity, Place)>,
    commands: Vec<KeyCommand>,
    gpg: Option<Gpg>,
    /// Why gpg is not asked again in this run.
    gpg_is_given_up: Option<Failure>,
    may_ask: bool,
    patience: Duration,
    /// When all programs together have taken too long.
    late_at: Option<Instant>,
    notices: Vec<Notice>,
    /// All that was found unusable, also what is not worth a notice.
    problems: Vec<Problem>,
    /// What all files share.
    tries: Tries,
    /// The identity that opened the last file: the next one has mostly the same recipients.
    last: AtomicUsize,
}

impl Keyring {
    /// What a person should hear about the sources, in the order in which they were read. Each is told once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Tries the keys at hand on a file.
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

    /// The data key of a file, when all has been tried.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn finish(&self, mut opening: Opening) -> Result<Plaintext, NoKey> {
        opening.take_key().ok_or_else(|| NoKey::new(&opening, self))
    }

    /// The data key of a single file, by whatever means this host has.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn data_key(&mut self, metadata: &Metadata) -> Result<Plaintext, NoKey> {
        let mut opening = Opening::new(&metadata.key_groups, metadata.proof());
        self.open(&mut opening);
        self.open_with_programs(&mut [&mut opening]);
        self.finish(opening)
    }

    /// Whether the entry names a key at hand.
    fn owns(&self, key: &MasterKey) -> bool {
        match key {
            MasterKey::Age { recipient, .. } => self.identities.iter().any(|identity| identity.is_named(recipient)),
            MasterKey::Pgp { fingerprint, .. } => self.pgp_keys.iter().any(|(key, _)| key.is_named(fingerprint)),
            MasterKey::Remote { .. } => false,
        }
    }

    /// Opens an entry with a key at hand. Nothing where there is none of its kind.
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
    fn open_age(&self, encrypted: &str, effort: &Effort<'_>) -> Result<Plaintext, Failure> {
        let message = Message::parse(encrypted)?;
        first_opened(self.in_order_of_hope().map(|(index, identity)| {
            let opened = message.open(identity, effort);
            opened.inspect(|_| self.last.store(index, Ordering::Relaxed))
        }))
    }

    /// Opens one armored OpenPGP message with whichever key does.
    fn open_pgp(&self, encrypted: &str, effort: &Effort<'_>) -> Result<Plaintext, Failure> {
        let message = PgpMessage::parse(encrypted)?;
        first_opened(self.pgp_keys.iter().map(|(key, _)| message.open(key, effort)))
    }

    /// All identities, beginning with the one that opened the last file.
    fn in_order_of_hope(&self) -> impl Iterator<Item = (usize, &Identity)> {
        let last = self.last.load(Ordering::Relaxed);
        let rest = self.identities.iter().enumerate().filter(move |(index, _)| *index != last);
        self.identities
            .get(last)
            .map(|identity| (last, identity))
            .into_iter()
            .chain(rest)
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
