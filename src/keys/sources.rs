//! Where the keys of this host are.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::problem::KeyKind;
use crate::system::{budget, confinement::Confined, plaintext::Plaintext};

/// The variable that holds age identities as text.
pub const AGE_KEY_VARIABLE: &str = "SOPS_AGE_KEY";
/// The variable that names a command which prints age identities.
pub const AGE_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_KEY_CMD";
/// The variable that names a command which prints an SSH private key.
pub const SSH_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";

/// The key sources of this host. A source that is not named here is not looked for.
pub struct KeySources {
    /// SSH private keys. An ed25519 key also gives a converted age identity, an RSA key an OpenPGP key.
    pub ssh_keys: Vec<SshKeyFile>,
    /// Files of age identities.
    pub age_key_files: Vec<KeyFile>,
    /// The content of `SOPS_AGE_KEY`: age identities, one a line or separated by white space.
    pub age_key: Option<Plaintext>,
    /// A systemd credential that holds age identities.
    pub age_key_credential: Option<Credential>,
    /// The content of `SOPS_AGE_KEY_CMD`: a command that prints age identities.
    pub age_key_command: Option<OsString>,
    /// The content of `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: a command that prints an SSH private key.
    pub ssh_key_command: Option<OsString>,
    /// The gpg program and its home.
    pub gpg: Option<GpgSource>,
    /// Whether these are the caller's own keys, used because no configuration names a key.
    pub are_own: bool,
    /// Whether a person may be asked, by a plugin or by gpg.
    pub may_ask: bool,
    /// How long a key command, a plugin or gpg may take.
    pub timeout: Duration,
    /// The thread that reads key files. If a disk does not answer, that thread is left behind and the run goes on.
    pub thread: Confined,
}

/// A file that may hold a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The path of the file. A symbolic link is followed, for example below `/run/credentials`.
    pub path: PathBuf,
    /// Whether this is a default place that nobody named. Its absence is then mentioned only if no key opens a file.
    pub is_default: bool,
}

/// A file that may hold an SSH private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeyFile {
    /// The file.
    pub file: KeyFile,
    /// Whether the configuration names it for the OpenPGP key that it gives.
    pub is_for_pgp: bool,
}

/// A systemd credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// The directory of the unit's credentials, `$CREDENTIALS_DIRECTORY`. `None` if no unit gave one.
    pub directory: Option<PathBuf>,
}

/// The gpg program and its home, for OpenPGP keys that this process does not hold itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpgSource {
    /// The program; a name without a slash is looked for in `PATH`.
    pub program: PathBuf,
    /// The GnuPG home. `None` leaves the choice to gpg.
    pub home: Option<PathBuf>,
}

impl Default for KeySources {
    fn default() -> Self {
        Self {
            ssh_keys: Vec::new(),
            age_key_files: Vec::new(),
            age_key: None,
            age_key_credential: None,
            age_key_command: None,
            ssh_key_command: None,
            gpg: None,
            are_own: false,
            may_ask: false,
            timeout: budget::PROGRAM,
            thread: Confined::default(),
        }
    }
}

impl KeyFile {
    /// A file that somebody asked for.
    #[must_use]
    pub fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_default: false,
        }
    }
}

impl SshKeyFile {
    /// The kind of key that the file should hold, judged by its purpose and its name.
    pub(crate) fn kind(&self) -> KeyKind {
        let name = self.file.path.file_name().unwrap_or_default();
        if self.is_for_pgp || name.to_string_lossy().contains("rsa") {
            KeyKind::SshRsa
        } else {
            KeyKind::Ssh
        }
    }
}
