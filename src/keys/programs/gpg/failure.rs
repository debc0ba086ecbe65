//! Says why gpg did not open a message.

use std::{fmt, path::Path};

use crate::{
    keys::failure::EntryFailure,
    system::child_error::ChildError,
    text::{
        diagnosis::Diagnosis,
        printable::{printable, shown},
    },
};

/// The reason why gpg did not open a message. `Display` gives the cause and the remedy as one line of the failure report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GpgFailure {
    diagnosis: Diagnosis,
    scope: Scope,
}

/// What a failure of gpg is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The home has no key for the message: nothing is wrong with gpg.
    Key,
    /// The message, or the key that fits it.
    Message,
    /// gpg itself, which would fail on every other message too.
    Program,
}

impl GpgFailure {
    /// The GnuPG home has no secret key that opens the message.
    pub(crate) fn no_secret_key() -> Self {
        Self {
            diagnosis: Diagnosis::bare("gpg has no secret key for it"),
            scope: Scope::Key,
        }
    }

    /// A failure that comes from this message, or from the key that fits the message.
    pub(crate) fn of_message(diagnosis: Diagnosis) -> Self {
        let scope = Scope::Message;
        Self { diagnosis, scope }
    }

    /// A failure that gpg's status lines do not explain. gpg's standard error has lines for programs and lines for people. The
    /// failure quotes the last line for people.
    pub(crate) fn other(stderr: &str) -> Self {
        Self::of_message(Diagnosis::bare(format!("gpg failed: {}", last_words(stderr))))
    }

    /// gpg could not be started, or did not end by itself. The values are the path of gpg, and the error.
    pub(crate) fn child(program: &Path, error: &ChildError) -> Self {
        let shown = shown(program);
        Self::of_program(match error {
            ChildError::Missing => {
                let place = if program.components().count() > 1 { "" } else { " in PATH" };
                Diagnosis::new(
                    format!("{shown}: no such program{place}"),
                    "set sops.gnupg.package or SOPS_GPG_EXEC",
                )
            }
            error => Diagnosis::bare(format!("{shown}: {error}")),
        })
    }

    /// The GnuPG home cannot be used.
    pub(crate) fn home(path: &Path, reason: Diagnosis) -> Self {
        Self::of_program(reason.of(format_args!("cannot use the GnuPG home {}", shown(path))))
    }

    /// No agent serves the GnuPG home, and none can be started. The text is the reason.
    #[cfg(target_os = "linux")]
    pub(crate) fn no_agent(reason: &str) -> Self {
        Self::of_program(Diagnosis::bare(format!("cannot start gpg-agent: {reason}")))
    }

    fn of_program(diagnosis: Diagnosis) -> Self {
        let scope = Scope::Program;
        Self { diagnosis, scope }
    }

    /// Whether gpg would fail in the same way on every other message. If so, gpg is not asked again in this run.
    pub(crate) fn is_final(&self) -> bool {
        self.scope == Scope::Program
    }
}

/// The last line for people in gpg's standard error, without the name of the program.
pub(crate) fn last_words(stderr: &str) -> String {
    let mut lines = stderr
        .lines()
        .filter(|line| !line.starts_with('[') && !line.trim().is_empty());
    let line = lines.next_back().unwrap_or("no reason given");
    let words = line
        .split_once(": ")
        .filter(|(name, _)| name.starts_with("gpg"))
        .map_or(line, |(_, words)| words);
    printable(words)
}

impl fmt::Display for GpgFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis.fmt(f)
    }
}

impl From<GpgFailure> for EntryFailure {
    fn from(failure: GpgFailure) -> Self {
        match failure.scope {
            Scope::Key => Self::NotHeldByProgram(failure.to_string()),
            Scope::Message | Scope::Program => Self::ProgramFailed(failure.to_string()),
        }
    }
}
