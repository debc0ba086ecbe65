//! Lists that nobody has read when the switch is over: their requests are made by systemctl.
//!
//! A `switch-to-configuration` that reads the lists removes them. From NixOS 26.11 on it does not read them, and nothing tells
//! beforehand which one is running. So whoever writes a list also has systemd start this program once more, as a unit of its own,
//! which waits until the switch is over.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use rustix::{
    fs::{FlockOperation, flock},
    time::{ClockId, clock_gettime},
};

use super::{
    requests::UnitRequests,
    switch::{self, Switch},
    systemctl::Systemctl,
    unit_error::{UnitError, words},
};
use crate::system::{budget, child::Child};

/// The argument with which this program is started again.
pub const ARGUMENT: &str = "--after-switch";

/// The argument before a [`Written`], if it is known.
const SINCE: &str = "--since=";

/// How often it is looked whether the switch is over.
const INTERVAL: Duration = Duration::from_millis(250);

const RESTART_LIST: &str = "activation-restart-list";
const RELOAD_LIST: &str = "activation-reload-list";

/// A time at which the lists were there, all lines of them. A unit that starts after it reads what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    /// In µs of the monotonic clock, which is that of systemd. It does not go on while the machine sleeps, and nobody sets it.
    time: u64,
    /// When the lists were last modified at this time, in ns since 1970. If this changes, somebody has written a line since.
    modified: u128,
}

impl Written {
    /// Now, if there are lists.
    fn now(directory: &Path) -> Option<Self> {
        // In this order: a line that is written meanwhile changes what is read first.
        let modified = modified(directory)?;
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default());
        let time = u64::try_from(now.as_micros()).ok()?;
        Some(Self { time, modified })
    }

    fn parse(text: &str) -> Option<Self> {
        let (time, modified) = text.split_once(',')?;
        Some(Self {
            time: time.parse().ok()?,
            modified: modified.parse().ok()?,
        })
    }
}

/// The lists, also those that are taken.
fn lists(directory: &Path) -> impl Iterator<Item = PathBuf> {
    new(directory).into_iter().chain(taken(directory))
}

fn new(directory: &Path) -> [PathBuf; 2] {
    [RESTART_LIST, RELOAD_LIST].map(|name| directory.join(name))
}

/// Whether there are lists, of whomever.
pub(crate) fn has_lists(directory: &Path) -> bool {
    lists(directory).any(|list| list.exists())
}

/// When the lists were last modified, in ns since 1970.
fn modified(directory: &Path) -> Option<u128> {
    let times = lists(directory).filter_map(|list| fs::metadata(list).ok()?.modified().ok());
    times.max()?.duration_since(UNIX_EPOCH).ok().map(|age| age.as_nanos())
}

/// If there are lists, has systemd start this program again, to make what requests of them are left when the switch is over.
/// `failed`: the units that have failed by now; the switch makes systemd forget that. `is_new`: whether there were no lists before
/// this run. If there were, nobody knows since when, and all units in them are restarted.
pub(crate) fn arrange(directory: &Path, systemctl: &Systemctl<'_>, failed: &[String], is_new: bool) {
    if !has_lists(directory) {
        return;
    }
    let written = is_new.then(|| Written::now(directory)).flatten();
    if let Err(cause) = start(systemctl, failed, written) {
        let [mut all, left] = [new(directory), taken(directory)].map(|lists| read(&lists));
        all.extend(&left.restart, &left.reload);
        let units = all.units();
        tracing::warn!(
            "cannot see to the units of {} after the switch: {cause}; if the switch has left that file, run: systemctl try-restart {}",
            directory.display(),
            words(&units)
        );
    }
}

fn start(systemctl: &Systemctl<'_>, failed: &[String], written: Option<Written>) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let systemctl = systemctl.path();
    let mut command = Command::new(systemctl.with_file_name("systemd-run"));
    // If it fails, the journal has its errors. It must not stay as a failed unit: nothing would ever remove that, and what was not
    // done is done by the next run.
    command
        .args([
            "--quiet",
            "--no-block",
            "--collect",
            "--description=Restart units whose secrets have changed",
        ])
        .arg(format!("--unit={}", unit_name()))
        .arg(format!("--setenv=SOPS_NIX_SYSTEMCTL={}", systemctl.display()))
        .arg("--")
        .arg(program)
        .arg(ARGUMENT)
        .args(written.map(|Written { time, modified }| format!("{SINCE}{time},{modified}")))
        .args(failed)
        .env_clear();
    let finished = Child::start(&mut command, budget::REQUESTS)
        .and_then(Child::finish)
        .map_err(|error| error.to_string())?;
    if finished.status.success() {
        Ok(())
    } else {
        Err(format!("{}: {}", finished.status, finished.stderr.replace('\n', "; ")))
    }
}

/// A name that no other run has: numbers of processes are used again, and a unit of an earlier process may still run.
fn unit_name() -> String {
    let now = clock_gettime(ClockId::Monotonic);
    format!("sops-nix-requests-{}-{}{:09}", std::process::id(), now.tv_sec, now.tv_nsec)
}

/// Waits until no switch is running, makes the requests of lists that are still in `directory`, and removes them. A unit that has
/// started since the lists were written has read what is new, and is left alone. `since`: when that was, as [`SINCE`] tells it, if
/// it is known.
#[must_use]
pub fn finish(directory: &Path, systemctl: &Path, since: Option<&str>, failed: Vec<String>) -> Vec<UnitError> {
    // One at a time: each phase of an activation may have started one. If there can be no lock, there is only more to do.
    let lock = File::create(directory.join("sops-nix-requests.lock"));
    let _locked = lock.as_ref().map(|file| flock(file, FlockOperation::LockExclusive));
    while switch::is_running(directory) {
        thread::sleep(INTERVAL);
    }
    let switch = Switch::with_failed(failed);
    // First what a run of this has taken that was killed.
    let mut errors = settle(directory, systemctl, &switch, None);
    take(directory);
    let written = since.and_then(Written::parse);
    let is_of_these = |written: &Written| modified(directory) == Some(written.modified);
    let since = written.filter(is_of_these).map(|written| written.time);
    errors.extend(settle(directory, systemctl, &switch, since));
    errors
}

/// Where a list is while its requests are made, so that lines that somebody else writes meanwhile are not lost.
fn taken(directory: &Path) -> [PathBuf; 2] {
    [RESTART_LIST, RELOAD_LIST].map(|name| directory.join(format!("{name}.taken")))
}

fn take(directory: &Path) {
    for (list, taken) in [RESTART_LIST, RELOAD_LIST].into_iter().zip(taken(directory)) {
        // What is taken and was not settled stays first.
        if !taken.exists() {
            let _ = fs::rename(directory.join(list), taken);
        }
    }
}

/// Makes the requests of the lists that are taken, and removes these, unless systemd may not have got a request.
fn settle(directory: &Path, systemctl: &Path, switch: &Switch, since: Option<u64>) -> Vec<UnitError> {
    let taken = taken(directory);
    let requests = read(&taken);
    if requests.is_empty() {
        return Vec::new();
    }
    let outcomes = Systemctl::new(systemctl).tell(&requests, switch, since);
    let errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    if !errors.iter().any(UnitError::is_lost) {
        for list in taken {
            let _ = fs::remove_file(list);
        }
    }
    errors
}

/// The units of a list of restarts and a list of reloads, each unit once.
fn read([restart, reload]: &[PathBuf; 2]) -> UnitRequests {
    let lines = |list: &Path| {
        let text = fs::read_to_string(list).unwrap_or_default();
        text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let mut requests = UnitRequests {
        restart: lines(restart),
        reload: lines(reload),
    };
    requests.deduplicate();
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_units_that_wait_for_a_switch_have_one_name() {
        assert_ne!(unit_name(), unit_name());
    }
}
