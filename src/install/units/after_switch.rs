//! Lists that nobody has read when the switch is over: their requests are made by systemctl.
//!
//! A `switch-to-configuration` that reads the lists removes them. From NixOS 26.11 on it does not read them, and nothing tells
//! beforehand which one is running. So whoever writes a list also has systemd start this program once more, as a unit of its own,
//! which waits until the switch is over.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime},
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

/// How often it is looked whether the switch is over.
const INTERVAL: Duration = Duration::from_millis(250);

const RESTART_LIST: &str = "activation-restart-list";
const RELOAD_LIST: &str = "activation-reload-list";

/// If there are lists, has systemd start this program again, to make what requests of them are left when the switch is over.
/// `failed`: the units that have failed by now; the switch makes systemd forget that.
pub(crate) fn arrange(directory: &Path, systemctl: &Systemctl<'_>, failed: &[String]) {
    let lists = [RESTART_LIST, RELOAD_LIST].map(|name| directory.join(name));
    if !lists.iter().any(|list| list.exists()) {
        return;
    }
    if let Err(cause) = start(systemctl, failed) {
        let units = read(&lists).units();
        tracing::warn!(
            "cannot see to the units of {} after the switch: {cause}; if the switch has left that file, run: systemctl try-restart {}",
            directory.display(),
            words(&units)
        );
    }
}

fn start(systemctl: &Systemctl<'_>, failed: &[String]) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(systemctl.sibling("systemd-run"));
    command
        .args([
            "--quiet",
            "--no-block",
            "--collect",
            "--description=Restart units whose secrets have changed",
        ])
        .arg(format!("--unit=sops-nix-requests-{}", std::process::id()))
        .arg(format!("--setenv=SOPS_NIX_SYSTEMCTL={}", systemctl.path().display()))
        .arg("--")
        .arg(program)
        .arg(ARGUMENT)
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

/// Waits until no switch is running, makes the requests of lists that are still in `directory`, and removes them. A unit that has
/// started since a list was written has read what is new, and is left alone.
#[must_use]
pub fn finish(directory: &Path, systemctl: &Path, failed: Vec<String>) -> Vec<UnitError> {
    // One at a time: each phase of an activation may have started one. If there can be no lock, there is only more to do.
    let lock = File::create(directory.join("sops-nix-requests.lock"));
    let _locked = lock.as_ref().map(|file| flock(file, FlockOperation::LockExclusive));
    while switch::is_running(directory) {
        thread::sleep(INTERVAL);
    }
    let switch = Switch::with_failed(failed);
    // First what a run of this has taken that was killed.
    let mut errors = settle(directory, systemctl, &switch);
    take(directory);
    errors.extend(settle(directory, systemctl, &switch));
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
fn settle(directory: &Path, systemctl: &Path, switch: &Switch) -> Vec<UnitError> {
    let taken = taken(directory);
    let requests = read(&taken);
    if requests.is_empty() {
        return Vec::new();
    }
    let since = taken.iter().filter_map(|list| written(list).ok()).min();
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

/// When a file was written, in µs of the monotonic clock, which is that of systemd.
fn written(list: &Path) -> io::Result<u64> {
    let age = SystemTime::now()
        .duration_since(fs::metadata(list)?.modified()?)
        .unwrap_or_default();
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default());
    Ok(u64::try_from(now.saturating_sub(age).as_micros()).unwrap_or(u64::MAX))
}
