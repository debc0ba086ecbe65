//! Names the key sources of this host: files, variables, commands, a credential and gpg.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::problem::KeyKind;
use crate::system::{budget, confinement::Confined, plaintext::Plaintext};

/// The environment variable that holds age identities as text.
pub const AGE_KEY_VARIABLE: &str = "SOPS_AGE_KEY";
/// The environment variable that holds the command line of a program that prints age identities.
pub const AGE_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_KEY_CMD";
/// The environment variable that holds the command line of a program that prints an SSH private key.
pub const SSH_KEY_COMMAND_VARIABLE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";

/// The key sources of this host. Only sources that are named here are used.
pub struct KeySources {
    /// Files with SSH private keys. An ed25519 key also gives a converted age identity, and an RSA key also gives an OpenPGP key.
    pub ssh_keys: Vec<SshKeyFile>,
    /// Files with age identities.
    pub age_key_files: Vec<KeyFile>,
    /// The one of these files that may come after the first run, which then does without it. `None` if each has to be there.
    pub late_key_file: Option<PathBuf>,
    /// The content of `SOPS_AGE_KEY`: age identities, separated by line ends or other white space.
    pub age_key: Option<Plaintext>,
    /// The systemd credential that holds age identities.
    pub age_key_credential: Option<Credential>,
    /// The content of `SOPS_AGE_KEY_CMD`: the command line of a program that prints age identities.
    pub age_key_command: Option<OsString>,
    /// The content of `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: the command line of a program that prints an SSH private key.
    pub ssh_key_command: Option<OsString>,
    /// The gpg program and its home. `None` if gpg is not used.
    pub gpg: Option<GpgSource>,
    /// How key services are asked. `None` if none is asked.
    pub key_services: Option<KeyServices>,
    /// Whether this run asks them.
    pub reach: ServiceReach,
    /// Whether the sources are the caller's own keys, used because no configuration names a key.
    pub are_own: bool,
    /// Whether a plugin or gpg may ask a person for a PIN, a passphrase or a touch.
    pub may_ask: bool,
    /// How long each single run of a key command, a plugin or gpg may take.
    pub timeout: Duration,
    /// The thread that reads key files. If a disk does not answer, the run goes on without this thread.
    pub thread: Confined,
}

/// The path of a file that may hold a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The path of the file. A symlink is followed, for example below `/run/credentials`.
    pub path: PathBuf,
    /// Whether the file is a default one, such as a host key of sshd. A missing default file causes no warning. A missing default
    /// file is mentioned only in the report on a file that no key opens.
    pub is_default: bool,
}

/// The path of a file that may hold an SSH private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeyFile {
    /// The path of the file, and whether the file is a default one.
    pub file: KeyFile,
    /// Whether the configuration names the SSH key for OpenPGP. Then the SSH key should be RSA, and a notice tells of the OpenPGP
    /// key that the SSH key was converted to.
    pub is_for_pgp: bool,
}

/// A systemd credential that may hold age identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The name of the credential.
    pub name: String,
    /// The directory that holds the credentials of the unit, `$CREDENTIALS_DIRECTORY`. `None` if no unit gave credentials.
    pub directory: Option<PathBuf>,
}

/// The gpg program and its home, for OpenPGP keys that only gpg can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpgSource {
    /// The gpg program. A name without a slash is looked for in `PATH`.
    pub program: PathBuf,
    /// The GnuPG home. `None` if gpg chooses its home by itself.
    pub home: Option<PathBuf>,
}

/// How key services are asked, such as those of clouds: the program that speaks to them, and what the configuration says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyServices {
    /// The path of the program `sops-key-services`.
    pub program: PathBuf,
    /// Addresses to which a sops file may send what identifies this host: scheme, host and port.
    pub allowed_endpoints: Vec<String>,
    /// Addresses at which a `sops keyservice` listens.
    pub addresses: Vec<String>,
    /// Environment variables for that program alone.
    pub environment: BTreeMap<String, String>,
    /// A file with further environment variables for that program alone, which may be secret.
    pub environment_file: Option<String>,
    /// The time for everything that is asked of one service.
    pub timeout: Duration,
    /// Whether age plugins do not get the variables of this process that identify this host to a key service.
    pub hides_credentials: bool,
}

/// Whether a run can ask key services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceReach {
    /// They are asked.
    #[default]
    Now,
    /// They are not asked. A later run asks them, when the network is there.
    Later,
    /// They are not asked: there is no network in this phase, and no later run for it.
    Never,
}

impl Default for KeySources {
    fn default() -> Self {
        Self {
            ssh_keys: Vec::new(),
            age_key_files: Vec::new(),
            late_key_file: None,
            age_key: None,
            age_key_credential: None,
            age_key_command: None,
            ssh_key_command: None,
            gpg: None,
            key_services: None,
            reach: ServiceReach::Now,
            are_own: false,
            may_ask: false,
            timeout: budget::PROGRAM,
            thread: Confined::default(),
        }
    }
}

impl KeyFile {
    /// A key file that the configuration or the environment names, and that is no default file.
    #[must_use]
    pub fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_default: false,
        }
    }
}

impl SshKeyFile {
    /// The kind of key that the file should hold, judged by its purpose and its file name.
    pub(crate) fn kind(&self) -> KeyKind {
        let name = self.file.path.file_name().unwrap_or_default();
        if self.is_for_pgp || name.to_string_lossy().contains("rsa") {
            KeyKind::SshRsa
        } else {
            KeyKind::Ssh
        }
    }
}
