//! How unit requests are made: by systemctl, by lists for `switch-to-configuration`, or not at all.

use std::path::{Path, PathBuf};

use super::{
    after_switch,
    lists::Lists,
    requests::UnitRequests,
    switch::Switch,
    systemctl::{RELOAD, RESTART, START, Systemctl},
    unit_error::{self, UnitError},
};
use crate::system::root::UNIT_LISTS;

/// How unit requests are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// No unit requests are made, as for a plain user.
    Nobody,
    /// Requests are made by `systemctl`. The value is the path of the program; a name without a slash is looked up in `PATH`.
    Systemctl(PathBuf),
    /// Requests are made by `systemctl --user`. The value is the path of systemctl. Without a service manager of the user, none of
    /// the user's units runs, and nothing is requested.
    OfUser(PathBuf),
    /// No unit requests are made. The commands of `systemctl` that a real run would carry out are only printed.
    Announced(PathBuf),
    /// Requests are made by lists in a directory, `/run/nixos`, which `switch-to-configuration` reads. If lists are left after the
    /// switch, systemctl makes their requests. If the directory does not exist, nothing is requested.
    Lists {
        /// The directory for the lists.
        directory: PathBuf,
        /// Whether to write the lists of a dry activation.
        dry: bool,
        /// The directory with the unit files of the new system, if it is known. A unit that is not in this directory must never
        /// be listed, because `switch-to-configuration` fails at such a name. The lists then stay in place, so every later switch
        /// fails too.
        units: Option<PathBuf>,
        /// The path of systemctl, if it is known. Units that must not be listed are examined and restarted by systemctl instead.
        systemctl: Option<PathBuf>,
    },
}

/// Makes the requests, and returns one error for each that failed. The requests are independent: if one fails, the others are still
/// made. With systemctl, failed units are started too, because a missing secret may have been the reason for their failure.
#[must_use]
pub fn request(channel: &Channel, requests: &UnitRequests) -> Vec<UnitError> {
    let outcomes = match channel {
        Channel::Nobody => return Vec::new(),
        Channel::Systemctl(_) | Channel::OfUser(_) => {
            take_up(channel);
            let Some((systemctl, switch)) = manager(channel) else {
                return Vec::new();
            };
            systemctl.tell(requests, &switch, None)
        }
        Channel::Announced(program) => return announce(&Systemctl::new(program), requests).err().into_iter().collect(),
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

/// If lists of an earlier run are left, arranges that their requests are made after the switch. No switch has read these lists.
pub fn take_up(channel: &Channel) {
    let (directory, systemctl) = match channel {
        Channel::Systemctl(systemctl) => (Path::new(UNIT_LISTS), systemctl),
        Channel::Lists {
            directory,
            dry: false,
            systemctl: Some(systemctl),
            ..
        } => (directory.as_path(), systemctl),
        Channel::Nobody | Channel::OfUser(_) | Channel::Announced(_) | Channel::Lists { .. } => return,
    };
    after_switch::arrange(directory, &Systemctl::new(systemctl), &[], false);
}

/// Starts those units in `requests` that are in the failed state: the secret that such a unit needs may have been published only now.
/// Only systemctl can start a unit: with lists, nothing is done.
///
/// # Errors
///
/// If systemctl was not run, or refused a unit.
pub fn start_failed(channel: &Channel, requests: &UnitRequests) -> Result<(), UnitError> {
    let Some((systemctl, switch)) = manager(channel) else {
        return Ok(());
    };
    systemctl.start(&systemctl.orders(requests, &switch, None)?.start)
}

/// The service manager to which requests go directly, and the plans of the switch that is running. Returns `None` if requests do not go
/// to a service manager directly. A switch of the system restarts no units of a user's service manager, so the plans are empty there.
fn manager(channel: &Channel) -> Option<(Systemctl<'_>, Switch)> {
    match channel {
        Channel::Systemctl(program) => Some((Systemctl::new(program), Switch::now())),
        Channel::OfUser(program) => {
            let systemctl = Systemctl::of_user(program);
            systemctl.answers().then_some((systemctl, Switch::default()))
        }
        Channel::Nobody | Channel::Announced(_) | Channel::Lists { .. } => None,
    }
}

/// Prints the commands of systemctl that a real run would carry out.
fn announce(systemctl: &Systemctl<'_>, requests: &UnitRequests) -> Result<(), UnitError> {
    let orders = systemctl.orders(requests, &Switch::default(), None)?;
    orders.report();
    unit_error::announce(RESTART, &orders.restart);
    unit_error::announce(RELOAD, &orders.reload);
    unit_error::announce(START, &orders.start);
    Ok(())
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
    fn a_dry_list_that_nobody_reads_does_not_grow() {
        let directory = TempDir::new().unwrap();
        let channel = Channel::Lists {
            directory: directory.path().to_owned(),
            dry: true,
            units: None,
            systemctl: None,
        };
        for _ in 0..2 {
            assert!(request(&channel, &requests()).is_empty());
        }
        let list = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(list("dry-activation-restart-list"), "a.service\nb.service\n");
        assert_eq!(list("dry-activation-reload-list"), "c.service\n");
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
            // A switch ends with an error at these names.
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
