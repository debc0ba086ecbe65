//! The forms, and which reader each is for.

use super::{
    docker, dotenv, sh, systemd,
    unwritable::{Take, Unwritable},
};

/// For which reader a file of environment variables is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `EnvironmentFile=` of systemd.
    Systemd,
    /// `docker run --env-file`.
    Docker,
    /// `node --env-file`, and the packages `dotenv` of npm and python-dotenv.
    Dotenv,
    /// A POSIX shell.
    Sh,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 4] = [Self::Systemd, Self::Docker, Self::Dotenv, Self::Sh];

    /// The form with this name in a manifest.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The name of the form in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd-env",
            Self::Docker => "docker-env",
            Self::Dotenv => "dotenv",
            Self::Sh => "sh",
        }
    }

    /// Who cannot read what this form has no spelling for, for messages.
    pub(crate) fn reader(self) -> &'static str {
        match self {
            Self::Systemd => "systemd cannot read",
            Self::Docker => "docker cannot read",
            Self::Dotenv => "not every dotenv library can read",
            Self::Sh => "a shell cannot read",
        }
    }

    /// The most bytes that a name and its value may have together.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::Systemd => systemd::MOST,
            Self::Docker => docker::MOST,
            Self::Dotenv => dotenv::MOST,
            Self::Sh => usize::MAX,
        }
    }

    /// Whether the reader sets the variable with this name itself, so that it does not give back what the file says.
    pub(crate) fn sets(self, name: &[u8]) -> bool {
        self == Self::Sh && sh::OWN_NAMES.iter().any(|own| own.as_bytes() == name)
    }

    /// Takes the spelling of a value.
    pub(crate) fn write(self, value: &[u8], take: Take<'_>) -> Result<(), Unwritable> {
        match self {
            Self::Systemd => systemd::write(value, take),
            Self::Docker => docker::write(value, take),
            Self::Dotenv => dotenv::write(value, take),
            Self::Sh => sh::write(value, take),
        }
    }
}
