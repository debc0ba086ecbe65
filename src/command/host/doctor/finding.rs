//! What the doctor has found.

use serde::Serialize;

use crate::text::diagnosis::Diagnosis;

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct HostFinding {
    /// What it is about.
    pub(crate) about: Subject,
    /// What is wrong, and why.
    pub(crate) cause: String,
    /// What to do about it; null if the cause says all.
    pub(crate) remedy: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Subject {
    /// What the host is set up to install.
    Configuration,
    /// A key of this host.
    Key,
    /// A secret or template that cannot be installed.
    Secret,
    /// A sops file.
    SopsFile,
    /// The clock of this host.
    Clock,
    /// What is installed.
    Installation,
    /// A symlink to a secret.
    Link,
    /// A file system with secrets.
    Mount,
    /// A unit.
    Unit,
}

impl Subject {
    /// The word for it, as JSON has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Key => "key",
            Self::Secret => "secret",
            Self::SopsFile => "sops-file",
            Self::Clock => "clock",
            Self::Installation => "installation",
            Self::Link => "link",
            Self::Mount => "mount",
            Self::Unit => "unit",
        }
    }
}

impl HostFinding {
    /// A finding with this diagnosis.
    pub(crate) fn new(about: Subject, diagnosis: Diagnosis) -> Self {
        Self {
            about,
            cause: diagnosis.cause,
            remedy: diagnosis.remedy,
        }
    }
}
