//! Why a unit request was not made.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use crate::{
    system::{child_error::ChildError, read::reason},
    text::{printable::shown, shell},
};

/// Why a unit request was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// A list for `switch-to-configuration` could not be written, so nothing was requested for the units in it.
    #[error("cannot write {}: {}; run: systemctl {verb} {}", shown(.path), reason(.cause), words(.units))]
    List {
        /// The path of the list.
        path: PathBuf,
        /// The request of the list, as a systemctl command: `try-restart` or `try-reload-or-restart`.
        verb: &'static str,
        /// The error of the write.
        cause: io::Error,
        /// The units that the list should contain.
        units: Vec<String>,
    },
    /// systemctl could not be started, or was stopped at its deadline. Nobody knows whether systemd received the request.
    #[error("{}; run: systemctl {verb} {}", no_result(.program, verb, .cause), words(.units))]
    NotRun {
        /// The path or name of systemctl.
        program: PathBuf,
        /// The systemctl command: `try-restart`, `try-reload-or-restart` or `start`.
        verb: &'static str,
        /// Why systemctl gave no result.
        cause: ChildError,
        /// The units of the request.
        units: Vec<String>,
    },
    /// systemctl refused at least one unit. Requests for the other units were accepted.
    #[error("{} {verb} failed with {status}{}; correct restartUnits and reloadUnits, or run: systemctl {verb} {}", shown(.program), said(.message), words(.units))]
    Refused {
        /// The path or name of systemctl.
        program: PathBuf,
        /// The systemctl command: `try-restart`, `try-reload-or-restart` or `start`.
        verb: &'static str,
        /// The units of the request.
        units: Vec<String>,
        /// The exit status of systemctl.
        status: ExitStatus,
        /// The standard error of systemctl, on one line.
        message: String,
    },
}

impl UnitError {
    /// Whether systemd may not have received the request. If so, the next run makes the request again.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// Says that systemctl gave no result, and why.
fn no_result(program: &Path, verb: &str, cause: &ChildError) -> String {
    let command = format!("{} {verb}", shown(program));
    match cause {
        ChildError::Late(_) => format!("{command} gave {cause}"),
        ChildError::Stopped => format!("{command} was {cause}"),
        ChildError::Missing | ChildError::Refused(_) | ChildError::TooMuch => format!("cannot run {command}: {cause}"),
    }
}

/// A colon and `message`, for the end of an error; empty if `message` is empty.
pub(crate) fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// Prints the systemctl command that a real run would carry out.
pub(crate) fn announce(verb: &str, units: &[String]) {
    if !units.is_empty() {
        tracing::info!("would run: systemctl {verb} {}", words(units));
    }
}

/// The units as words for a shell command. The names are quoted, because names of units may contain backslashes.
pub(crate) fn words(units: &[String]) -> String {
    units.iter().map(|unit| shell::word(unit)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_program_that_did_not_answer_is_told_from_one_that_cannot_run() {
        for (cause, expected) in [
            (
                ChildError::Missing,
                "cannot run systemctl try-restart: no such program; run: systemctl try-restart a.service",
            ),
            (
                ChildError::Late(Duration::from_secs(90)),
                "systemctl try-restart gave no answer within 90 s; run: systemctl try-restart a.service",
            ),
            (
                ChildError::Stopped,
                "systemctl try-restart was stopped: this run was told to end; run: systemctl try-restart a.service",
            ),
        ] {
            let error = UnitError::NotRun {
                program: PathBuf::from("systemctl"),
                verb: "try-restart",
                cause,
                units: vec!["a.service".to_owned()],
            };
            assert_eq!(error.to_string(), expected);
        }
    }
}
