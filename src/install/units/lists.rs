//! Makes requests by the lists that `switch-to-configuration` reads. Units that must not be listed are requested by systemctl.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

use super::{
    after_switch,
    orders::Orders,
    requests::UnitRequests,
    state::{Load, State},
    switch::Switch,
    systemctl::{RELOAD, RESTART, Systemctl},
    unit_error::{UnitError, announce},
    unit_files,
};
use crate::text::{printable::shown, shell};

/// The directory of the lists, and what is known of the switch that reads them. The fields are explained at
/// [`super::Channel::Lists`].
pub(crate) struct Lists<'c> {
    pub directory: &'c Path,
    pub dry: bool,
    pub units: Option<&'c Path>,
    pub systemctl: Option<Systemctl<'c>>,
}

impl Lists<'_> {
    /// Adds to the lists those units that the switch finds. Makes the requests for all other units by systemctl.
    pub(crate) fn request(mut self, requests: &UnitRequests) -> Vec<Result<(), UnitError>> {
        // If the directory does not exist, no switch reads lists. In that case, systemctl is not called either.
        self.systemctl = self.systemctl.filter(|_| self.directory.is_dir());
        let is_new = !after_switch::has_lists(self.directory);
        let mut listed = self.select(requests, true);
        let failed = self.keep_possible(&mut listed);
        let prefix = if self.dry { "dry-activation" } else { "activation" };
        let mut outcomes = vec![
            self.list(&format!("{prefix}-restart-list"), RESTART, &listed.restart),
            self.list(&format!("{prefix}-reload-list"), RELOAD, &listed.reload),
        ];
        if let Some(systemctl) = self.systemctl.as_ref().filter(|_| !self.dry) {
            after_switch::arrange(self.directory, systemctl, &failed, is_new);
        }
        outcomes.extend(self.tell_others(&self.select(requests, false)));
        outcomes
    }

    /// Selects units from `requests`: if `is_wanted`, those that the switch finds; otherwise, those that the switch does not find.
    fn select(&self, requests: &UnitRequests, is_wanted: bool) -> UnitRequests {
        let select = |names: &[String]| {
            let of = names.iter().filter(|name| self.finds(name) == is_wanted);
            of.cloned().collect()
        };
        UnitRequests {
            restart: select(&requests.restart),
            reload: select(&requests.reload),
        }
    }

    fn finds(&self, name: &str) -> bool {
        self.units.is_none_or(|units| unit_files::is_found(units, name))
    }

    /// Removes from `requests` the units at which a switch would end with an error: masked units, units that must not be started,
    /// and units that cannot be reloaded. A failed unit is moved to the restarts, because systemd may have forgotten its failure when
    /// the switch comes to the reloads. Returns all failed units.
    fn keep_possible(&self, requests: &mut UnitRequests) -> Vec<String> {
        let Some(systemctl) = &self.systemctl else { return Vec::new() };
        if let Some(units) = self.units {
            unit_files::name_by_own_names(units, requests);
        }
        let mut states = systemctl.states(&requests.units()).unwrap_or_default();
        // A new unit is only in the new configuration. If systemd still knows the name of a unit as an alias of another unit, the
        // unit is new too.
        let is_new = |name: &str, state: &State| self.units.is_some() && state.id.as_deref().is_some_and(|id| id != name);
        states.retain(|name, state| state.load != Load::Gone && !is_new(name, state));
        let orders = Orders::new(requests, &states, &Switch::default(), None);
        orders.report();
        let is_started = |unit: &&String| states.get(*unit).is_some_and(State::can_be_started);
        let idle = requests.restart.iter().filter(is_started).cloned().collect::<Vec<_>>();
        *requests = UnitRequests {
            restart: [orders.restart, orders.start.clone(), idle].concat(),
            reload: orders.reload,
        };
        requests.deduplicate();
        orders.start
    }

    /// Makes by systemctl the requests for `others`: the units that must not be listed. A unit of `others` gets its request only if
    /// it runs or has failed. systemd still knows some of these units, for example generated units. Other units are not in the new
    /// configuration, and the switch has already stopped them.
    fn tell_others(&self, others: &UnitRequests) -> Vec<Result<(), UnitError>> {
        let Some(systemctl) = &self.systemctl else {
            self.warn(RESTART, &others.restart);
            self.warn(RELOAD, &others.reload);
            return Vec::new();
        };
        let started = systemctl.started(&others.units()).unwrap_or_default();
        let part = |units: &[String]| units.iter().cloned().partition(|unit| started.contains(unit));
        let (restart, idle): (Vec<_>, Vec<_>) = part(&others.restart);
        self.warn(RESTART, &idle);
        let (reload, idle): (Vec<_>, Vec<_>) = part(&others.reload);
        self.warn(RELOAD, &idle);
        if self.dry {
            announce(RESTART, &restart);
            announce(RELOAD, &reload);
            return Vec::new();
        }
        systemctl.tell(&UnitRequests { restart, reload }, &Switch::now(), None)
    }

    /// Warns of each unit for which nothing is requested. The warning has a command with which somebody can restart or reload the
    /// unit.
    fn warn(&self, verb: &str, names: &[String]) {
        let units = shown(self.units.unwrap_or(self.directory));
        for name in names {
            tracing::warn!(
                "{name} is not restarted or reloaded: there is no such unit in {units}; if the unit runs nevertheless, run: systemctl {verb} {}",
                shell::word(name)
            );
        }
    }

    /// Appends `units` to the list `name`, one unit on each line. If the directory for lists does not exist, nothing is written. A
    /// list of a dry run stays until somebody reads it, so units that are already in it are not added again.
    fn list(&self, name: &str, verb: &'static str, units: &[String]) -> Result<(), UnitError> {
        let path = self.directory.join(name);
        let there = if self.dry {
            fs::read_to_string(&path).unwrap_or_default()
        } else {
            String::new()
        };
        let is_new = |unit: &&String| there.lines().all(|line| line != *unit);
        let units: Vec<_> = units.iter().filter(is_new).cloned().collect();
        if units.is_empty() {
            return Ok(());
        }
        let lines = units.join("\n") + "\n";
        match append(&path, lines.as_bytes()) {
            // Only these two errors mean that the directory does not exist, so that no switch reads lists. Any other error is
            // reported.
            Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            outcome => outcome.map_err(|cause| UnitError::List {
                path,
                verb,
                cause,
                units,
            }),
        }
    }
}

/// Appends `lines` to the file at `path`; a missing file is made with mode 0600. All lines are written in one write(2), so that
/// they do not mix with the lines of another writer.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    // A symlink in place of a list is an error: root must not append to the file to which a symlink leads.
    let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = File::options();
    options.append(true).create(true).mode(0o600).custom_flags(nofollow);
    options.open(path)?.write_all(lines)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::*;
    use crate::install::units::channel::{Channel, request};

    /// A stand-in for systemctl. It derives the state of a unit from the words in the name of the unit.
    const SYSTEMCTL: &str = r#"echo "$@" >> "$0.log"
        [ "$1" = show ] || exit 0
        shift 3
        for unit; do
            load=loaded reload=yes refuse=no
            case $unit in run*) state=active ;; bad*) state=failed ;; *) state=inactive ;; esac
            case $unit in *masked*) load=masked ;; *new*) load=not-found ;; *refuse*) refuse=yes ;; *rigid*) reload=no ;; esac
            id=$unit
            # What were aliases in the configuration that systemd has loaded.
            case $unit in run-alias.*) id=run.service ;; run-moved.* | run-own.*) id=old.service ;; esac
            printf '%s\n' Id=$id LoadState=$load ActiveState=$state CanReload=$reload RefuseManualStart=$refuse ''
        done"#;

    /// The units of the new configuration. The requests are to reload the first two units, and to restart the others.
    const FOUND: [&str; 13] = [
        "bad.service",
        "run-reload.service",
        "run.service",
        "new.service",
        "idle.service",
        "idle-masked.service",
        "run-masked.service",
        "idle-refuse.service",
        "run-refuse.service",
        "run-alias.service",
        "run-moved.service",
        "run-target.service",
        "run-own.service",
    ];

    /// Those units of [`FOUND`] that are aliases, each with its unit.
    const ALIASES: [(&str, &str); 2] = [
        ("run-alias.service", "run.service"),
        ("run-moved.service", "run-target.service"),
    ];

    /// The lists that a run or a dry run writes, and the commands that systemctl got.
    fn told(dry: bool) -> (Vec<String>, String) {
        let directory = TempDir::new().unwrap();
        let in_directory = |name: &str| directory.path().join(name);
        fs::create_dir(in_directory("units")).unwrap();
        fs::create_dir(in_directory("nixos")).unwrap();
        for name in FOUND.iter().chain(&["run-rigid.service"]) {
            fs::write(in_directory("units").join(name), "").unwrap();
        }
        for (alias, unit) in ALIASES {
            fs::remove_file(in_directory("units").join(alias)).unwrap();
            symlink(unit, in_directory("units").join(alias)).unwrap();
        }
        let systemctl = in_directory("systemctl");
        crate::install::tests::script(&systemctl, SYSTEMCTL);
        let channel = Channel::Lists {
            directory: in_directory("nixos"),
            dry,
            units: Some(in_directory("units")),
            systemctl: Some(systemctl),
        };
        let requests = UnitRequests {
            restart: [&FOUND[2..], &["run@a.b.service", "bad-generated.service", "gone.service"]]
                .concat()
                .iter()
                .map(|unit| (*unit).to_owned())
                .collect(),
            reload: [
                "bad.service",
                "run-reload.service",
                "run-rigid.service",
                "run-generated.service",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        assert!(request(&channel, &requests).is_empty());
        let prefix = if dry { "dry-activation" } else { "activation" };
        let list = |name: &str| fs::read_to_string(in_directory("nixos").join(format!("{prefix}-{name}-list"))).unwrap();
        let asked = fs::read_to_string(in_directory("systemctl.log")).unwrap();
        let done: Vec<_> = asked.lines().filter(|line| !line.starts_with("show")).collect();
        (vec![list("restart"), list("reload")], done.join("\n"))
    }

    #[test]
    fn what_no_list_may_name_is_told_by_systemctl() {
        let (lists, asked) = told(false);
        // A switch ends with an error if a unit to reload has failed or cannot be reloaded, or if a unit cannot be started.
        assert_eq!(
            lists,
            [
                "run.service\nnew.service\nrun-target.service\nrun-own.service\nrun-rigid.service\nbad.service\nidle.service\n",
                "run-reload.service\n"
            ]
        );
        assert_eq!(
            asked,
            "--no-block try-restart -- run@a.b.service\n\
             --no-block try-reload-or-restart -- run-generated.service\n\
             reset-failed -- bad-generated.service\n\
             --no-block start -- bad-generated.service"
        );
    }

    #[test]
    fn a_dry_run_asks_for_nothing() {
        assert_eq!(told(true).1, "");
    }
}
