//! The environment variables that the program uses, all read at the start.

use std::{
    env,
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::system::{plaintext::Plaintext, user_dirs};

/// The environment variables that the program uses.
pub struct Environment {
    /// `NIXOS_ACTION=dry-activate`: whether this is a dry run, which reports what would change.
    pub dry_run: bool,
    /// `SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1`: whether to make unit requests by systemctl, not by the lists that
    /// `switch-to-configuration` reads.
    pub via_systemctl: bool,
    /// `SOPS_NIX_UNITS`: the directory with the units of the new system.
    pub units: Option<PathBuf>,
    /// `SOPS_NIX_SYSTEMCTL`: the path of systemctl, which restarts the units that must not be in the lists for
    /// `switch-to-configuration`.
    pub systemctl: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, or on macOS what `getconf` says: the directory that replaces `%r` in user mode.
    pub runtime_dir: Option<PathBuf>,
    /// The variables that name key sources.
    pub keys: KeyVariables,
}

/// The environment variables that name key sources.
#[derive(Default)]
pub struct KeyVariables {
    /// `SOPS_AGE_KEY`: age identities as text.
    pub age_key: Option<Plaintext>,
    /// `SOPS_AGE_KEY_FILE`: a file of age identities.
    pub age_key_file: Option<PathBuf>,
    /// `SOPS_AGE_KEY_CMD`: a command that prints age identities.
    pub age_key_command: Option<OsString>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_FILE`: the path of an SSH private key.
    pub ssh_key_file: Option<PathBuf>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: a command that prints an SSH private key.
    pub ssh_key_command: Option<OsString>,
    /// `SOPS_GPG_EXEC`: the path or name of the gpg program.
    pub gpg: Option<PathBuf>,
    /// `GNUPGHOME`: the path of a `GnuPG` home.
    pub gnupg_home: Option<PathBuf>,
    /// `CREDENTIALS_DIRECTORY`: the directory in which systemd puts the credentials of a unit (systemd.exec(5)).
    pub credentials: Option<PathBuf>,
    /// `HOME`: the home of the user.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`: the directory of the user's configuration. The default is `.config` in `HOME`, or on macOS
    /// `Library/Application Support`.
    pub config: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn read() -> Self {
        Self {
            dry_run: env::var_os("NIXOS_ACTION").is_some_and(|action| action == "dry-activate"),
            via_systemctl: env::var_os("SOPS_RESTART_UNITS_VIA_SYSTEMCTL").is_some_and(|value| value == "1"),
            units: absolute("SOPS_NIX_UNITS"),
            systemctl: absolute("SOPS_NIX_SYSTEMCTL"),
            runtime_dir: user_dirs::runtime(),
            keys: KeyVariables::read(),
        }
    }

    /// The run-time directory, or another absolute path if there is no run-time directory. Only the check modes use this function:
    /// they install nothing, so any path will do.
    #[must_use]
    pub fn runtime_dir_or_any(&self) -> &Path {
        self.runtime_dir.as_deref().unwrap_or(Path::new("/run/user/0"))
    }
}

impl KeyVariables {
    fn read() -> Self {
        Self::of(|name| env::var_os(name))
    }

    /// Whether a variable names an age key, or a command that prints one.
    pub(crate) fn name_age_keys(&self) -> bool {
        self.age_key.is_some() || self.age_key_file.is_some() || self.age_key_command.is_some()
    }

    /// The variables that `look_up` finds. A variable that is empty counts as not set.
    pub(crate) fn of(look_up: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name: &str| look_up(name).filter(|value| !value.is_empty());
        let path = |name: &str| value(name).map(PathBuf::from);
        let absolute = |name: &str| path(name).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        Self {
            age_key: look_up("SOPS_AGE_KEY").map(|value| Plaintext::from(value.into_vec())),
            age_key_file: path("SOPS_AGE_KEY_FILE"),
            age_key_command: value("SOPS_AGE_KEY_CMD"),
            ssh_key_file: path("SOPS_AGE_SSH_PRIVATE_KEY_FILE"),
            ssh_key_command: value("SOPS_AGE_SSH_PRIVATE_KEY_CMD"),
            gpg: path("SOPS_GPG_EXEC"),
            gnupg_home: path("GNUPGHOME"),
            credentials: path("CREDENTIALS_DIRECTORY"),
            config: absolute("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(user_dirs::CONFIG))),
            home,
        }
    }
}

/// The absolute path in a variable. A relative path counts as not set, as the XDG Base Directory Specification demands.
fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
