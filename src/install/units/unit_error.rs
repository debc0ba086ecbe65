//! Why units were not told.

use std::{io, path::PathBuf, process::ExitStatus};

use crate::{
    system::{child::ChildError, read::reason},
    text::shell,
};

/// Why a unit request was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// A list could not be written, so nothing was requested for its units.
    #[error("cannot write {}: {}; run: systemctl {verb} {}", .path.display(), reason(.cause), words(.units))]
    List {
        /// The list.
        path: PathBuf,
        /// What the list asks for, as systemctl calls it.
        verb: &'static str,
        /// What the system said.
        cause: io::Error,
        /// The units.
        units: Vec<String>,
    },
    /// systemctl could not be started, or was stopped at its deadline. Nobody knows whether systemd got the request.
    #[error("cannot run {} {verb}: {cause}; run: systemctl {verb} {}", .program.display(), words(.units))]
    NotRun {
        /// The program.
        program: PathBuf,
        /// `try-restart`, `try-reload-or-restart` or `start`.
        verb: &'static str,
        /// Why.
        cause: ChildError,
        /// The units.
        units: Vec<String>,
    },
    /// systemctl refused at least one unit; it has queued the others.
    #[error("{} {verb}: {status}{}; correct restartUnits and reloadUnits, or run: systemctl {verb} {}", .program.display(), said(.message), words(.units))]
    Refused {
        /// The program.
        program: PathBuf,
        /// `try-restart`, `try-reload-or-restart` or `start`.
        verb: &'static str,
        /// The units.
        units: Vec<String>,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        message: String,
    },
}

impl UnitError {
    /// Whether it is possible that systemd never got the request. If so, the next run makes it again.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// What a program said, if it said anything.
pub(crate) fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// Says what would be asked of systemd.
pub(crate) fn announce(verb: &str, units: &[String]) {
    if !units.is_empty() {
        tracing::info!("would run: systemctl {verb} {}", words(units));
    }
}

/// Units as a shell takes them: their names may have backslashes.
pub(crate) fn words(units: &[String]) -> String {
    units.iter().map(|unit| shell::word(unit)).collect::<Vec<_>>().join(" ")
}
