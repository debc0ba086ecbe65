//! The key of whoever asks: found where sops looks for it, or made there.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    command::identity_file,
    keys::{AGE_KEY_COMMAND_VARIABLE, KeySources, Keyring, Notice, new_identity},
    program::{environment::KeyVariables, key_sources},
    system::plaintext::Plaintext,
    text::{diagnosis::Diagnosis, printable::shown},
};

/// The key of a person.
pub(crate) struct OwnKey {
    /// Its age recipient.
    pub(crate) recipient: String,
    /// Where it is.
    pub(crate) place: String,
    /// The file and the identity that are still to be written. `None` if the key was found.
    unwritten: Option<(PathBuf, [(String, Plaintext); 1])>,
}

impl OwnKey {
    /// The key that sops finds without a setting, or a new one that is not written yet.
    ///
    /// # Errors
    ///
    /// With a message for people, if there is a key whose recipient cannot be told, or no place for a new one.
    pub(crate) fn find_or_make(variables: KeyVariables) -> Result<Self, Diagnosis> {
        let config = variables.config.clone();
        if let Some(directory) = relative_config().filter(|_| !variables.name_age_keys()) {
            let cause = format!(
                "XDG_CONFIG_HOME is {}, a relative path, so sops finds no key",
                shown(&directory)
            );
            return Err(Diagnosis::new(cause, "set XDG_CONFIG_HOME to an absolute path, or unset it"));
        }
        let sources = key_sources::own_age_keys(variables);
        let mut keyring = Keyring::load(&sources);
        if let Some(identity) = keyring.hand.identities.first() {
            return Ok(Self {
                recipient: identity.recipient().to_owned(),
                place: identity.place().to_string(),
                unwritten: None,
            });
        }
        if let Some(hindrance) = hindrance(&sources, &mut keyring) {
            return Err(hindrance);
        }
        let no_place = || Diagnosis::new("no place for a key is known: HOME is not set", "set HOME");
        let path = config.ok_or_else(no_place)?.join("sops/age/keys.txt");
        Ok(Self::new(&path))
    }

    fn new(path: &Path) -> Self {
        let (recipient, identity) = new_identity();
        Self {
            recipient: recipient.clone(),
            place: shown(path),
            unwritten: Some((path.to_owned(), [(recipient, identity)])),
        }
    }

    /// Whether the key is new.
    pub(crate) fn is_new(&self) -> bool {
        self.unwritten.is_some()
    }

    /// Writes a new key to its file, which only its owner can read. Does nothing for a key that was found.
    ///
    /// # Errors
    ///
    /// With a message for people, if it cannot be written.
    pub(crate) fn write(&self) -> Result<(), Diagnosis> {
        match &self.unwritten {
            Some((path, identities)) => identity_file::write(path, identities),
            None => Ok(()),
        }
    }
}

/// The value of `XDG_CONFIG_HOME`, if it is a relative path. sops refuses such a path instead of taking the default.
fn relative_config() -> Option<PathBuf> {
    let directory = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from)?;
    (!directory.as_os_str().is_empty() && directory.is_relative()).then_some(directory)
}

/// Why no new key is made although none was found: there is a key, but its recipient cannot be told.
fn hindrance(sources: &KeySources, keyring: &mut Keyring) -> Option<Diagnosis> {
    let remedy = "to name its recipient, run: sops-nix init --recipient RECIPIENT";
    if let Some((identity, place)) = keyring.plugins.first() {
        let cause = format!("only age-plugin-{} knows the recipient of {place}", identity.plugin());
        return Some(Diagnosis::new(cause, remedy));
    }
    if sources.age_key_command.is_some() {
        let cause = format!("the command in {AGE_KEY_COMMAND_VARIABLE} brings your key, and is not run here");
        return Some(Diagnosis::new(cause, remedy));
    }
    let notices = keyring.take_notices();
    let problem = notices.into_iter().find(|notice| matches!(notice, Notice::Unusable(_)));
    problem.map(|problem| Diagnosis::bare(problem.to_string()))
}
