//! After a switch, makes by systemctl the requests in the lists that are left.
//!
//! A `switch-to-configuration` that reads the lists also removes them. From NixOS 26.11 on, `switch-to-configuration` does not read
//! the lists, and nothing shows beforehand which version is running. So a run that writes a list also has systemd start this program
//! once more, as a unit of its own. That second process waits until the switch is over.

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
use crate::{
    system::{budget, child::Child, progress::Progress},
    text::printable::shown,
};

/// The argument with which this program is started again.
pub const ARGUMENT: &str = "--after-switch";

/// The beginning of the argument that passes a [`Written`] to the second process, if the `Written` is known.
const SINCE: &str = "--since=";

/// How long the second process waits before it looks again whether the switch is over.
const INTERVAL: Duration = Duration::from_millis(250);

const RESTART_LIST: &str = "activation-restart-list";
const RELOAD_LIST: &str = "activation-reload-list";

/// A time at which the lists were complete. A unit that starts after this time reads the new secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    /// The time, in µs of the monotonic clock. systemd uses this clock too. Nobody can set the clock, and it stops while the machine
    /// sleeps.
    time: u64,
    /// When the lists had last been modified before `time`, in ns since 1970. A later modification means that somebody has written
    /// another line.
    modified: u128,
}

impl Written {
    /// The present time. Returns `None` if there are no lists.
    fn now(directory: &Path) -> Option<Self> {
        // The order matters: if a line is written between the two steps, the modification time shows it later.
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

/// The paths of all lists, including the taken ones.
fn lists(directory: &Path) -> impl Iterator<Item = PathBuf> {
    new(directory).into_iter().chain(taken(directory))
}

fn new(directory: &Path) -> [PathBuf; 2] {
    [RESTART_LIST, RELOAD_LIST].map(|name| directory.join(name))
}

/// Whether there are lists, no matter who has written them.
pub(crate) fn has_lists(directory: &Path) -> bool {
    lists(directory).any(|list| list.exists())
}

/// When the lists were last modified, in ns since 1970.
fn modified(directory: &Path) -> Option<u128> {
    let times = lists(directory).filter_map(|list| fs::metadata(list).ok()?.modified().ok());
    times.max()?.duration_since(UNIX_EPOCH).ok().map(|age| age.as_nanos())
}

/// Makes systemd start this program again, if there are lists. The new process makes the requests that are left when the switch is
/// over.
///
/// `failed` names the units that have failed by now. They are passed on, because the switch makes systemd forget failures. `is_new`
/// says that there were no lists before this run. If there were lists, nobody knows their age, so all units in them are restarted.
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
            "cannot restart the units listed in {} after the switch: {cause}; if the list is still there after the switch, run: systemctl try-restart {}",
            shown(directory),
            words(&units)
        );
    }
}

fn start(systemctl: &Systemctl<'_>, failed: &[String], written: Option<Written>) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let systemctl = systemctl.path();
    let mut command = Command::new(systemctl.with_file_name("systemd-run"));
    // If the unit fails, the journal has its errors. The unit must not stay in the list of failed units, because nothing would ever
    // remove it there. The next run does what was not done.
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
    let progress = Progress::about("systemd, which is asked by systemd-run".to_owned());
    let finished = Child::start(&mut command, budget::REQUESTS, progress)
        .and_then(Child::finish)
        .map_err(|error| error.to_string())?;
    if finished.status.success() {
        Ok(())
    } else {
        Err(format!("{}: {}", finished.status, finished.stderr.replace('\n', "; ")))
    }
}

/// A name for the unit that no other run has. The number of the process alone is not enough: numbers are used again, and the unit of
/// an earlier process may still run.
fn unit_name() -> String {
    let now = clock_gettime(ClockId::Monotonic);
    format!("sops-nix-requests-{}-{}{:09}", std::process::id(), now.tv_sec, now.tv_nsec)
}

/// Waits until no switch is running, makes the requests of the lists that are still in `directory`, and removes the lists. A unit
/// that has started after the lists were written has read the new secrets, and is not restarted. `since` says when the lists were
/// written, in the form that follows [`SINCE`]. It is `None` if the time is not known.
#[must_use]
pub fn finish(directory: &Path, systemctl: &Path, since: Option<&str>, failed: Vec<String>) -> Vec<UnitError> {
    // Each phase of an activation may have started such a process, so the lock lets only one work at a time. Without a lock, the
    // worst that can happen is that a unit is restarted twice.
    let lock = File::create(directory.join("sops-nix-requests.lock"));
    let _locked = lock.as_ref().map(|file| flock(file, FlockOperation::LockExclusive));
    while switch::is_running(directory) {
        thread::sleep(INTERVAL);
    }
    let switch = Switch::with_failed(failed);
    // An earlier process may have been killed after it had taken lists. Their requests are made first.
    let mut errors = settle(directory, systemctl, &switch, None);
    take(directory);
    let written = since.and_then(Written::parse);
    let is_of_these = |written: &Written| modified(directory) == Some(written.modified);
    let since = written.filter(is_of_these).map(|written| written.time);
    errors.extend(settle(directory, systemctl, &switch, since));
    errors
}

/// The paths of the taken lists. A list is renamed to such a path before its requests are made, so that lines that another program
/// writes meanwhile are not lost.
fn taken(directory: &Path) -> [PathBuf; 2] {
    [RESTART_LIST, RELOAD_LIST].map(|name| directory.join(format!("{name}.taken")))
}

fn take(directory: &Path) {
    for (list, taken) in [RESTART_LIST, RELOAD_LIST].into_iter().zip(taken(directory)) {
        // A list that was taken earlier and is not settled yet is not overwritten.
        if !taken.exists() {
            let _ = fs::rename(directory.join(list), taken);
        }
    }
}

/// Makes the requests of the taken lists. Removes these lists, unless a request may not have reached systemd.
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

/// Reads the units of a restart list and a reload list, each unit once.
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
