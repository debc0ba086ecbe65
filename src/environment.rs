//! The environment variables that the program reads, read once.

use std::{
    env,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::plaintext::Plaintext;

/// What the environment says.
pub struct Environment {
    /// `NIXOS_ACTION=dry-activate`: say what would be done, and do nothing.
    pub dry_run: bool,
    /// `SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1`: ask systemd instead of writing the lists that `switch-to-configuration` reads.
    pub via_systemctl: bool,
    /// `XDG_RUNTIME_DIR`: what `%r` stands for in user mode.
    pub runtime_dir: Option<PathBuf>,
    /// `SOPS_AGE_KEY`: age identities as text.
    pub age_key: Option<Plaintext>,
    /// `SOPS_AGE_KEY_FILE`: a file of age identities.
    pub age_key_file: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            dry_run: env::var_os("NIXOS_ACTION").is_some_and(|action| action == "dry-activate"),
            via_systemctl: env::var_os("SOPS_RESTART_UNITS_VIA_SYSTEMCTL").is_some_and(|value| value == "1"),
            runtime_dir: path("XDG_RUNTIME_DIR").filter(|path| path.is_absolute()),
            age_key: env::var_os("SOPS_AGE_KEY").map(|value| Plaintext::from(value.into_vec())),
            age_key_file: path("SOPS_AGE_KEY_FILE"),
        }
    }

    /// The run-time directory, or a stand-in where nothing is installed and none is needed.
    #[must_use]
    pub fn runtime_dir_or_any(&self) -> &Path {
        self.runtime_dir.as_deref().unwrap_or(Path::new("/run/user/0"))
    }
}
