//! Asking systemd to restart or reload the units that use what has changed.

mod lists;
mod systemctl;

use std::{collections::HashSet, io, path::PathBuf, process::ExitStatus};

use lists::Lists;
use systemctl::Systemctl;

use crate::{
    system::{child::ChildError, read::reason},
    text::shell,
};

/// What systemctl calls a restart and a reload of a unit that runs.
const RESTART: &str = "try-restart";
const RELOAD: &str = "try-reload-or-restart";
/// And the start of one that has failed, which the other two leave alone.
const START: &str = "start";

/// Units to be restarted and reloaded, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitRequests {
    /// Units to restart, in the order in which they were declared.
    pub restart: Vec<String>,
    /// Units to reload, in the order in which they were declared.
    pub reload: Vec<String>,
}

/// How units are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Not at all, as for a plain user.
    Nobody,
    /// By this program, `systemctl`; a name without a slash is looked up in `PATH`.
    Systemctl(PathBuf),
    /// By the lists in this directory, `/run/nixos`, that `switch-to-configuration` reads. Without the directory nobody is told.
    Lists {
        /// Where the lists are.
        directory: PathBuf,
        /// Whether to write the lists of a dry activation.
        dry: bool,
        /// Where the units of the system are that is switched to, if that is known. `switch-to-configuration` ends at a name that it does not find there,
        /// and the lists stay and end every later switch: such a name is never listed.
        units: Option<PathBuf>,
        /// systemctl, which tells of a unit that no list may name whether it runs, and restarts it.
        systemctl: Option<PathBuf>,
    },
}

/// Why units were not told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The list could not be written; its units were not told.
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
    /// systemctl did not start, or did not end in time; its units may not have been told.
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
    /// Whether the request never arrived, so that the next run should make it again.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

impl UnitRequests {
    /// Whether there is nothing to request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restart.is_empty() && self.reload.is_empty()
    }

    /// Adds units behind those that are there.
    pub fn extend(&mut self, restart: &[String], reload: &[String]) {
        self.restart.extend_from_slice(restart);
        self.reload.extend_from_slice(reload);
    }

    /// All units, each once.
    fn units(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let all = self.restart.iter().chain(&self.reload);
        all.filter(|unit| seen.insert(*unit)).cloned().collect()
    }

    /// Leaves the first of each.
    pub fn deduplicate(&mut self) {
        for units in [&mut self.restart, &mut self.reload] {
            let mut seen = HashSet::new();
            units.retain(|unit| seen.insert(unit.clone()));
        }
    }
}

/// Makes the requests. They are independent: all are tried, and all that fails is returned. By systemctl, units that have failed are
/// started too: perhaps they failed for want of a secret.
#[must_use]
pub fn request(channel: &Channel, requests: &UnitRequests) -> Vec<UnitError> {
    let outcomes = match channel {
        Channel::Nobody => return Vec::new(),
        Channel::Systemctl(program) => tell(&Systemctl::new(program), requests),
        Channel::Lists {
            directory,
            dry,
            units,
            systemctl,
        } => Lists {
            directory,
            dry: *dry,
            units: units.as_deref(),
            systemctl: systemctl.as_deref().map(Systemctl::new),
        }
        .request(requests),
    };
    outcomes.into_iter().filter_map(Result::err).collect()
}

/// Asks systemd itself.
fn tell(systemctl: &Systemctl<'_>, requests: &UnitRequests) -> Vec<Result<(), UnitError>> {
    // A unit that fails because of the restart is not to be started once more.
    // Where systemctl does not tell, what is asked of it next fails as well, and is told.
    let failed = systemctl.failed(&requests.units()).unwrap_or_default();
    vec![
        systemctl.request(RESTART, &requests.restart),
        systemctl.request(RELOAD, &requests.reload),
        systemctl.start(&failed),
    ]
}

/// Starts those of the units that have failed, perhaps for want of what is published for the first time. The lists have no word for that.
///
/// # Errors
/// When systemctl was not run, or refused a unit.
pub fn start_failed(channel: &Channel, requests: &UnitRequests) -> Result<(), UnitError> {
    let Channel::Systemctl(program) = channel else { return Ok(()) };
    let systemctl = Systemctl::new(program);
    systemctl.start(&systemctl.failed(&requests.units())?)
}

/// What a program said, if it said anything.
fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// Units as a shell takes them: their names may have backslashes.
fn words(units: &[String]) -> String {
    units.iter().map(|unit| shell::word(unit)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, symlink},
    };

    use tempfile::TempDir;

    use super::*;

    fn requests() -> UnitRequests {
        UnitRequests {
            restart: vec!["a.service".into(), "b.service".into()],
            reload: vec!["c.service".into()],
        }
    }

    #[test]
    fn lists_are_appended_to_and_private() {
        let directory = TempDir::new().unwrap();
        for (dry, prefix) in [(false, "activation"), (true, "dry-activation")] {
            let channel = Channel::Lists {
                directory: directory.path().to_owned(),
                dry,
                units: None,
                systemctl: None,
            };
            let list = |name: &str| directory.path().join(format!("{prefix}-{name}-list"));
            fs::write(list("restart"), "z.service\n").unwrap();
            assert!(request(&channel, &requests()).is_empty());
            assert_eq!(
                fs::read_to_string(list("restart")).unwrap(),
                "z.service\na.service\nb.service\n"
            );
            assert_eq!(fs::read_to_string(list("reload")).unwrap(), "c.service\n");
            assert_eq!(list("reload").metadata().unwrap().mode() & 0o7777, 0o600);
        }
    }

    #[test]
    fn what_the_switch_would_not_find_is_never_listed() {
        let directory = TempDir::new().unwrap();
        let units = directory.path().join("units");
        fs::create_dir(&units).unwrap();
        for file in ["here.service", "t@.service", "own@a.b.service"] {
            fs::write(units.join(file), "").unwrap();
        }
        symlink("/dev/null", units.join("masked.service")).unwrap();
        symlink("here.service", units.join("alias.service")).unwrap();
        symlink("nowhere", units.join("dangling.service")).unwrap();
        let names = [
            ("here.service", true),
            ("alias.service", true),
            ("masked.service", true),
            ("t@a.service", true),
            ("own@a.b.service", true),
            // These end a switch.
            ("gone.service", false),
            ("dangling.service", false),
            ("t@a.b.service", false),
            ("u@a.service", false),
            ("../units/here.service", false),
        ];
        let all: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
        let found: Vec<&str> = names.iter().filter(|(_, found)| *found).map(|(name, _)| *name).collect();
        let channel = Channel::Lists {
            directory: directory.path().to_owned(),
            dry: false,
            units: Some(units),
            systemctl: None,
        };
        let requests = UnitRequests {
            restart: all.clone(),
            reload: all,
        };
        assert!(request(&channel, &requests).is_empty());
        for list in ["activation-restart-list", "activation-reload-list"] {
            let listed = fs::read_to_string(directory.path().join(list)).unwrap();
            assert_eq!(listed.lines().collect::<Vec<_>>(), found);
        }
    }

    #[test]
    fn without_a_directory_for_lists_nothing_is_made() {
        let directory = TempDir::new().unwrap();
        let missing = directory.path().join("nixos");
        assert!(
            request(
                &Channel::Lists {
                    directory: missing.clone(),
                    dry: false,
                    units: None,
                    systemctl: None,
                },
                &requests()
            )
            .is_empty()
        );
        assert!(!missing.exists());
    }

    #[test]
    fn a_list_that_cannot_be_reached_is_not_taken_for_an_absent_one() {
        let directory = TempDir::new().unwrap();
        let looping = directory.path().join("nixos");
        symlink(&looping, &looping).unwrap();
        let channel = Channel::Lists {
            directory: looping,
            dry: false,
            units: None,
            systemctl: None,
        };
        let errors = request(&channel, &requests());
        assert_eq!(errors.len(), 2);
        assert!(errors.iter().all(UnitError::is_lost));
    }

    #[test]
    fn a_list_that_is_a_symlink_is_refused() {
        let directory = TempDir::new().unwrap();
        let precious = directory.path().join("precious");
        fs::write(&precious, "kept").unwrap();
        symlink(&precious, directory.path().join("activation-restart-list")).unwrap();
        let errors = request(
            &Channel::Lists {
                directory: directory.path().to_owned(),
                dry: false,
                units: None,
                systemctl: None,
            },
            &requests(),
        );
        assert_eq!(errors.len(), 1);
        let shown = errors[0].to_string();
        assert!(
            shown.contains("activation-restart-list") && shown.ends_with("a.service b.service"),
            "{shown}"
        );
        assert!(errors[0].is_lost());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
        assert!(
            directory.path().join("activation-reload-list").exists(),
            "the other list is still written"
        );
    }

    #[test]
    fn nothing_to_request_runs_nothing() {
        let missing = Channel::Systemctl("/no/such/systemctl".into());
        assert!(request(&missing, &UnitRequests::default()).is_empty());
        assert_eq!(request(&missing, &requests()).len(), 2);
    }
}
