//! From the host's keys to a file's data key.
//!
//! [`Keyring::load`] reads the sources that [`KeySources`] names, each once, and nothing else: no home directory is searched.
//! [`Keyring::data_key`] then opens file after file. What a person should hear about the sources is in [`Keyring::notices`], and
//! why a file stays closed is in [`NoKey`].
//!
//! Opened today: age recipients of the kinds X25519, `ssh-ed25519` and `ssh-rsa`, in files with one key group.

mod age;
mod identity;
mod lock;
mod notice;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "integrated next"))]
mod plugin;
mod report;
mod ssh;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::{Path, PathBuf};

pub use notice::{Cause, Notice, Place, Problem};
pub use report::NoKey;

use crate::file::{self, ReadError};
use crate::plaintext::Plaintext;
use crate::sops::metadata::{KeyGroup, KeyGroups, MasterKey};
use age::Failure;
use identity::Identity;

/// The variable that holds age identities as text.
pub const AGE_KEY_VARIABLE: &str = "SOPS_AGE_KEY";

/// A file that may hold a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it is. A symbolic link is followed, as under `/run/credentials`.
    pub path: PathBuf,
    /// Nobody asked for this file by name, so its absence is told only when no key opens a file.
    pub is_default: bool,
}

/// Where the keys of this host are. What is absent here is not looked for.
#[derive(Default)]
pub struct KeySources {
    /// SSH private keys: an ed25519 key also stands for an age identity of its own.
    pub age_ssh_keys: Vec<KeyFile>,
    /// An age identity file.
    pub age_key_file: Option<KeyFile>,
    /// The content of `SOPS_AGE_KEY`: age identities, one a line or separated by white space.
    pub age_key: Option<Plaintext>,
    /// The content of `SOPS_AGE_KEY_FILE`: the path of a further age identity file.
    pub age_key_file_variable: Option<PathBuf>,
}

/// The keys of this host, ready to open files.
#[derive(Default)]
pub struct Keyring {
    identities: Vec<Identity>,
    notices: Vec<Notice>,
    /// All that was found unusable, also what is not worth a notice.
    problems: Vec<Problem>,
    /// The identity that opened the last file: the next one has mostly the same recipients.
    last: Cell<usize>,
}

impl Keyring {
    /// Reads every source once. A source that cannot be used becomes a [`Notice`]; the others still count.
    #[must_use]
    pub fn load(sources: &KeySources) -> Self {
        let mut keyring = Self::default();
        for key in &sources.age_ssh_keys {
            keyring.load_file(key, ssh::MAX_BYTES, Self::add_ssh_key);
        }
        if let Some(key) = &sources.age_key_file {
            keyring.load_file(key, age::MAX_IDENTITY_BYTES, Self::add_identity_file);
        }
        if let Some(text) = &sources.age_key {
            keyring.add_identities(&Place::Variable(AGE_KEY_VARIABLE), age::words(text.expose()));
        }
        if let Some(path) = sources.age_key_file_variable.clone().filter(|path| !sources.names(path)) {
            let key = KeyFile { path, is_default: false };
            keyring.load_file(&key, age::MAX_IDENTITY_BYTES, Self::add_identity_file);
        }
        keyring
    }

    /// What a person should hear about the sources, in the order in which they were read.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The data key of a file with these `groups`.
    ///
    /// # Errors
    ///
    /// [`NoKey`], which explains itself, when no key of this host opens the file.
    pub fn data_key(&self, groups: &KeyGroups) -> Result<Plaintext, NoKey> {
        let mut failures = Vec::new();
        if let [group] = groups.groups.as_slice() {
            failures = match self.part(group) {
                Ok(key) => return Ok(key),
                Err(failures) => failures,
            };
        }
        Err(NoKey::new(groups, &failures, &self.identities, &self.problems))
    }

    /// What a group holds: the data key itself when it is the only group. Entries that name a key of this host come first; the
    /// others follow, since the name plays no part in what opens.
    fn part(&self, group: &KeyGroup) -> Result<Plaintext, Vec<Option<Failure>>> {
        let entries = group.keys.iter().enumerate();
        let mut entries: Vec<_> = entries
            .filter_map(|(index, key)| match key {
                MasterKey::Age { recipient, encrypted } => Some((index, recipient, encrypted)),
                _ => None,
            })
            .collect();
        entries.sort_by_cached_key(|(_, recipient, _)| !self.owns(recipient));
        let mut failures = vec![None; group.keys.len()];
        for (index, _, encrypted) in entries {
            match (self.open(encrypted), failures.get_mut(index)) {
                (Ok(key), _) => return Ok(key),
                (Err(reason), Some(failure)) => *failure = Some(reason),
                (Err(_), None) => {}
            }
        }
        Err(failures)
    }

    /// Whether `recipient` names one of our identities.
    fn owns(&self, recipient: &str) -> bool {
        self.identities.iter().any(|identity| identity.is_named(recipient))
    }

    /// Opens one armored age message with whichever identity does.
    fn open(&self, encrypted: &str) -> Result<Plaintext, Failure> {
        let message = age::Message::parse(encrypted)?;
        let mut worst = Failure::NotOurs;
        for (index, identity) in self.in_order_of_hope() {
            match message.open(identity) {
                Ok(key) => {
                    self.last.set(index);
                    return Ok(key);
                }
                Err(Failure::NotOurs) => {}
                Err(failure) => worst = failure,
            }
        }
        Err(worst)
    }

    /// All identities, beginning with the one that opened the last file.
    fn in_order_of_hope(&self) -> impl Iterator<Item = (usize, &Identity)> {
        let last = self.last.get();
        let rest = self.identities.iter().enumerate().filter(move |(index, _)| *index != last);
        self.identities
            .get(last)
            .map(|identity| (last, identity))
            .into_iter()
            .chain(rest)
    }

    /// Reads the file and hands its content to `add`.
    fn load_file(&mut self, key: &KeyFile, limit: usize, add: fn(&mut Self, &Path, &Plaintext)) {
        match file::read(&key.path, limit) {
            Ok(file) => {
                if is_exposed(file.mode) {
                    self.notices.push(Notice::Exposed {
                        path: key.path.clone(),
                        mode: file.mode,
                    });
                }
                add(self, &key.path, &file.text);
            }
            Err(ReadError::Missing) if key.is_default => {
                self.problems.push(Problem {
                    place: Place::File(key.path.clone()),
                    cause: Cause::File(ReadError::Missing),
                });
            }
            Err(error) => self.report(Place::File(key.path.clone()), Cause::File(error)),
        }
    }

    /// Adds the identities that an SSH private key stands for.
    fn add_ssh_key(&mut self, path: &Path, text: &Plaintext) {
        match ssh::identities(path, text.expose()) {
            Ok(identities) => {
                for identity in &identities {
                    if identity.is_converted() {
                        self.notices.push(Notice::Imported {
                            path: path.to_owned(),
                            recipient: identity.recipient().to_owned(),
                        });
                    }
                }
                self.identities.extend(identities);
            }
            Err(cause) => self.report(Place::File(path.to_owned()), cause),
        }
    }

    /// Adds the identities of an age identity file.
    fn add_identity_file(&mut self, path: &Path, text: &Plaintext) {
        let place = Place::File(path.to_owned());
        match age::foreign_content(text.expose()) {
            Some(cause) => self.report(place, cause),
            None => self.add_identities(&place, age::lines(text.expose())),
        }
    }

    /// Adds the identities among `items`, the numbered pieces of an identity text, and reports the pieces that are none.
    fn add_identities<'a>(&mut self, place: &Place, items: impl Iterator<Item = (usize, &'a [u8])>) {
        let before = (self.identities.len(), self.problems.len());
        let mut more = 0;
        for (line, item) in items {
            match age::identity(item, place) {
                Ok(identity) => self.identities.push(identity),
                Err(_) if self.problems.len() - before.1 == age::MAX_BAD_LINES => more += 1,
                Err(cause) => self.report(place.line(line), cause),
            }
        }
        if more > 0 {
            self.report(place.clone(), Cause::MoreBadLines(more));
        } else if before == (self.identities.len(), self.problems.len()) {
            self.report(place.clone(), Cause::NoIdentity);
        }
    }

    /// Remembers that `place` gave nothing, and tells of it.
    fn report(&mut self, place: Place, cause: Cause) {
        let problem = Problem { place, cause };
        self.notices.push(Notice::Unusable(problem.clone()));
        self.problems.push(problem);
    }
}

impl KeySources {
    /// Whether `path` is the identity file that is read anyway.
    fn names(&self, path: &Path) -> bool {
        self.age_key_file.as_ref().is_some_and(|key| key.path == path)
    }
}

/// Whether others than the owner may read or write a file of this mode.
fn is_exposed(mode: u32) -> bool {
    mode & 0o066 != 0
}
