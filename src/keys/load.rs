//! Reads the key sources, each once.

use std::{path::Path, sync::Arc};

use super::{
    age,
    keyring::Keyring,
    notice::Notice,
    place::Place,
    problem::{Cause, KeyKind, Problem},
    programs::{
        command::{KeyCommand, Prints},
        gpg::Gpg,
    },
    recognize,
    sources::{
        AGE_KEY_COMMAND_VARIABLE, AGE_KEY_VARIABLE, Credential, KeyFile, KeySources, SSH_KEY_COMMAND_VARIABLE, SshKeyFile,
    },
    ssh, ssh_keys,
};
use crate::{
    system::{
        budget,
        plaintext::Plaintext,
        read::{ReadError, Reader},
    },
    text::encoding::MARK,
};

impl Keyring {
    /// Reads every key source once.
    ///
    /// A source that cannot be used becomes a [`Notice`], and the other sources are still used. Key commands, plugins and gpg
    /// cost a process each, so they are started later, and only if a file needs them.
    #[must_use]
    pub fn load(sources: &KeySources) -> Self {
        let mut keyring = Self {
            may_ask: sources.may_ask,
            timeout: sources.timeout,
            key_services: sources.key_services.clone(),
            reach: sources.reach,
            ..Self::default()
        };
        let mut reader = Reader::new(sources.thread.clone(), budget::KEY_FILES);
        for key in &sources.ssh_keys {
            keyring.load_ssh_key(key, &mut reader);
        }
        for key in &sources.age_key_files {
            keyring.load_identities(Place::File(key.path.clone()), key, &mut reader);
        }
        if let Some(text) = &sources.age_key {
            keyring.add_identities(&Place::Variable(AGE_KEY_VARIABLE), age::words(text.expose()));
        }
        if let Some(credential) = &sources.age_key_credential {
            keyring.load_credential(credential, &mut reader);
        }
        keyring.load_commands(sources);
        keyring.gpg = sources
            .gpg
            .as_ref()
            .map(|gpg| Gpg::new(gpg.program.clone(), gpg.home.clone(), sources.may_ask, std::env::vars_os()));
        keyring.require_home(&mut reader);
        keyring.awaits_key_file = sources.late_key_file.as_ref().is_some_and(|path| keyring.misses(path));
        if sources.are_own {
            keyring.tell_of_own_keys(sources);
        }
        keyring
    }

    /// Reads a file that should hold an SSH private key, and adds the keys that it gives.
    fn load_ssh_key(&mut self, key: &SshKeyFile, reader: &mut Reader) {
        let place = Place::File(key.file.path.clone());
        if let Some(text) = self.read(&place, &key.file, key.kind(), reader) {
            self.add_ssh_key(&place, &text, key.is_for_pgp);
        }
    }

    /// Reads a file of age identities, and adds the identities.
    fn load_identities(&mut self, place: Place, key: &KeyFile, reader: &mut Reader) {
        let Some(text) = self.read(&place, key, KeyKind::Identities, reader) else {
            return;
        };
        let text = text.expose();
        let unmarked = text.strip_prefix(MARK);
        if unmarked.is_some() {
            self.notices.push(Notice::Marked(key.path.clone()));
        }
        let text = unmarked.unwrap_or(text);
        match recognize::unreadable(text).or_else(|| age::foreign_content(text)) {
            Some(cause) => self.report(place, cause),
            None => self.add_identities(&place, age::lines(text)),
        }
    }

    /// Reads the age identities in a credential that systemd gave to the unit.
    fn load_credential(&mut self, credential: &Credential, reader: &mut Reader) {
        let place = Place::Credential(credential.name.clone());
        match &credential.directory {
            Some(directory) => self.load_identities(place, &KeyFile::named(&directory.join(&credential.name)), reader),
            None => self.report(place, Cause::NoCredentials),
        }
    }

    /// Drops gpg if its home is missing, or if the disk of the home does not answer. gpg would create a missing home, and find no
    /// key in it. gpg would wait forever for a disk that does not answer.
    fn require_home(&mut self, reader: &mut Reader) {
        let Some(home) = self.gpg.as_ref().and_then(Gpg::needed_home) else {
            return;
        };
        let cause = match reader.find(&home) {
            Err(ReadError::Missing) => Cause::NoHome,
            Err(error @ (ReadError::Late | ReadError::Stopped)) => Cause::File(error),
            // Other defects of the home, such as a wrong owner, are reported when gpg is needed.
            Ok(()) | Err(_) => return,
        };
        self.gpg = None;
        self.report(Place::File(home), cause);
    }

    fn load_commands(&mut self, sources: &KeySources) {
        let commands = [
            (&sources.ssh_key_command, SSH_KEY_COMMAND_VARIABLE, Prints::SshKey),
            (&sources.age_key_command, AGE_KEY_COMMAND_VARIABLE, Prints::Identities),
        ];
        for (text, variable, prints) in commands {
            match text.as_deref().map(|text| KeyCommand::parse(variable, text, prints)) {
                Some(Ok(command)) => self.commands.push(command),
                Some(Err(cause)) => self.report(Place::Variable(variable), cause),
                None => {}
            }
        }
    }

    /// Reads a key file. Returns `None` if the file cannot be read, and records the reason.
    fn read(&mut self, place: &Place, key: &KeyFile, kind: KeyKind, reader: &mut Reader) -> Option<Plaintext> {
        match read_key(key, kind, reader) {
            Ok((text, exposed)) => {
                self.notices.extend(exposed);
                return Some(text);
            }
            Err(cause @ Cause::NoFile(_)) if key.is_default => {
                self.unasked.push(place.clone());
                self.problems.push(Problem {
                    place: place.clone(),
                    cause,
                });
            }
            Err(cause) => self.report(place.clone(), cause),
        }
        None
    }

    /// Adds all keys that an SSH private key gives: age identities, and perhaps an OpenPGP key.
    pub(crate) fn add_ssh_key(&mut self, place: &Place, text: &Plaintext, is_for_pgp: bool) {
        let keys = match ssh_keys::keys(place, text.expose()) {
            Ok(keys) => keys,
            Err(cause) => return self.report(place.clone(), cause),
        };
        for identity in keys.identities {
            if identity.is_converted() {
                self.notices.push(Notice::Imported {
                    place: place.clone(),
                    recipient: identity.recipient().to_owned(),
                });
            }
            self.hand.identities.push(Arc::new(identity));
        }
        if let Some(key) = keys.pgp {
            if is_for_pgp {
                self.notices.push(Notice::ImportedForPgp {
                    place: place.clone(),
                    fingerprint: key.fingerprint().to_owned(),
                });
            }
            self.hand.pgp_keys.push(Arc::new((key, place.clone())));
        }
    }

    /// Adds the identities among `items`. The items are pieces of a text of age identities, each with its line number. Pieces
    /// that are no identity are reported.
    pub(crate) fn add_identities<'a>(&mut self, place: &Place, items: impl Iterator<Item = (usize, &'a [u8])>) {
        let (mut found, mut bad) = (false, 0_usize);
        for (line, item) in items {
            match age::IdentityLine::parse(item, place) {
                Ok(age::IdentityLine::Identity(identity)) => self.hand.identities.push(Arc::new(identity)),
                Ok(age::IdentityLine::Plugin(identity)) => self.plugins.push((identity, place.line(line))),
                Err(cause) => {
                    bad += 1;
                    if bad <= age::MAX_BAD_LINES {
                        self.report(place.line(line), cause);
                    }
                    continue;
                }
            }
            found = true;
        }
        if bad > age::MAX_BAD_LINES {
            self.report(place.clone(), Cause::MoreBadLines(bad - age::MAX_BAD_LINES));
        } else if !found && bad == 0 {
            self.report(place.clone(), Cause::NoIdentity);
        }
    }

    /// Adds a notice that lists the caller's own keys that are used. Own keys that cannot be used are not reported, since nobody
    /// set them.
    fn tell_of_own_keys(&mut self, sources: &KeySources) {
        let ssh = sources.ssh_keys.iter().map(|key| &key.file);
        let own = sources.age_key_files.iter().chain(ssh).filter(|key| key.is_default);
        let own: Vec<_> = own.map(|key| Place::File(key.path.clone())).collect();
        self.notices
            .retain(|notice| !matches!(notice, Notice::Unusable(problem) if own.contains(&problem.place.source())));
        self.unasked.extend(own.iter().cloned());
        let used: Vec<_> = own.into_iter().filter(|place| self.has_keys_from(place)).collect();
        if !used.is_empty() {
            self.notices.push(Notice::OwnKeys(used));
        }
    }

    /// Whether there is no such file of age identities, or a symlink to one that does not exist.
    fn misses(&self, path: &Path) -> bool {
        [Cause::NoFile(KeyKind::Identities), Cause::LeadsNowhere]
            .into_iter()
            .any(|cause| {
                let place = Place::File(path.to_owned());
                self.problems.contains(&Problem { place, cause })
            })
    }

    /// Whether an age identity, or an identity of a plugin, comes from the key source `place`.
    fn has_keys_from(&self, place: &Place) -> bool {
        let plugins = self.plugins.iter().map(|(_, place)| place.source());
        self.hand.identities.iter().any(|identity| identity.place() == place)
            || plugins.into_iter().any(|source| source == *place)
    }
}

/// Reads a key file. Returns the content of the file, and a notice if others than its owner may read or write the file.
///
/// # Errors
///
/// The [`Cause`] to report if the file cannot be read.
pub(crate) fn read_key(key: &KeyFile, kind: KeyKind, reader: &mut Reader) -> Result<(Plaintext, Option<Notice>), Cause> {
    let limit = match kind {
        KeyKind::Identities => age::MAX_IDENTITY_BYTES,
        KeyKind::Ssh | KeyKind::SshRsa => ssh::MAX_BYTES,
    };
    let file = reader.read(&key.path, limit).map_err(|error| match error {
        ReadError::Missing if key.path.is_symlink() => Cause::LeadsNowhere,
        ReadError::Missing => Cause::NoFile(kind),
        error => Cause::File(error),
    })?;
    let exposed = is_exposed(file.mode).then(|| Notice::Exposed {
        path: key.path.clone(),
        mode: file.mode,
    });
    Ok((file.text, exposed))
}

/// Whether the mode of a file lets others than its owner read or write the file.
fn is_exposed(mode: u32) -> bool {
    mode & 0o066 != 0
}
