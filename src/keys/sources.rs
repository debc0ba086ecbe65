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

/// Where the keys of this host are. What is absent here is not looked for.
pub struct KeySources {
    /// SSH private keys. An ed25519 key also stands for an age identity of its own, an RSA key for an OpenPGP key.
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
    /// These are the caller's own keys, and no configuration named them.
    pub are_own: bool,
    /// Whether a person may be asked, by a plugin or by gpg.
    pub may_ask: bool,
    /// How long a key command, a plugin or gpg may take.
    pub timeout: Duration,
    /// What key files are read on: a disk that does not answer is not waited for without end.
    pub thread: Confined,
}

/// A file that may hold a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Where it is. A symbolic link is followed, as under `/run/credentials`.
    pub path: PathBuf,
    /// Nobody asked for this file by name, so its absence is told only when no key opens a file.
    pub is_default: bool,
}

/// A file that may hold an SSH private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeyFile {
    /// The file.
    pub file: KeyFile,
    /// Whether it was named for the OpenPGP key that it stands for.
    pub is_for_pgp: bool,
}

/// A systemd credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// The directory of the unit's credentials; none where no unit gave one.
    pub directory: Option<PathBuf>,
}

/// How OpenPGP keys outside this process are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpgSource {
    /// The program; a name without a slash is looked for in `PATH`.
    pub program: PathBuf,
    /// Its home, where that is not its own choice.
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
    /// What it holds, as far as it was meant to be of one kind.
    pub(crate) fn kind(&self) -> KeyKind {
        let name = self.file.path.file_name().unwrap_or_default();
        if self.is_for_pgp || name.to_string_lossy().contains("rsa") {
            KeyKind::SshRsa
        } else {
            KeyKind::Ssh
        }
    }
}
