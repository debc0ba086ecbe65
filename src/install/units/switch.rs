//! Reads what a running switch will do itself, so that no unit is restarted twice.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::system::{
    locks,
    root::{Root, UNIT_LISTS},
};

/// A file that `nixos-module` writes. Its first line is the process number of a switch. The other lines are the units that had
/// failed when the switch began, one on each line. The switch makes systemd forget failures, so systemd cannot be asked.
const FAILED: &str = "/run/sops-nix/failed-units";

/// The plans of a running switch. All sets are empty if no switch is running.
#[derive(Default)]
pub(crate) struct Switch {
    /// Units that the switch restarts after the secrets are installed.
    restarts: HashSet<String>,
    /// Units that the switch starts after the secrets are installed. Starting a unit that already runs does nothing.
    starts: HashSet<String>,
    /// Units that the switch reloads after the secrets are installed.
    reloads: HashSet<String>,
    /// Units that had failed when the switch began.
    failed: HashSet<String>,
}

impl Switch {
    /// The plans of the switch that is running now; empty if no switch is running.
    pub(crate) fn now() -> Self {
        let directory = Path::new(UNIT_LISTS);
        process(directory).map_or_else(Self::default, |process| {
            Self::in_directory(directory, Path::new(FAILED), &process)
        })
    }

    /// A switch without plans. `failed` names the units that had failed before the switch.
    pub(crate) fn with_failed(failed: Vec<String>) -> Self {
        Self {
            failed: failed.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The plans to restart, start and reload these units.
    #[cfg(test)]
    pub(crate) fn that_does(restarts: &[&str], starts: &[&str], reloads: &[&str]) -> Self {
        let set = |units: &[&str]| units.iter().map(|unit| (*unit).to_owned()).collect();
        Self {
            restarts: set(restarts),
            starts: set(starts),
            reloads: set(reloads),
            failed: HashSet::new(),
        }
    }

    fn in_directory(directory: &Path, failed: &Path, process: &str) -> Self {
        let list = |path: PathBuf| units(&fs::read_to_string(path).unwrap_or_default());
        let failed = fs::read_to_string(failed).unwrap_or_default();
        // The file may be left from an earlier switch. Then its first line names another process, and the file is ignored.
        let failed = failed.split_once('\n').filter(|(of, _)| *of == process);
        Self {
            restarts: list(directory.join("restart-list")),
            starts: list(directory.join("start-list")),
            reloads: list(directory.join("reload-list")),
            failed: failed.map(|(_, lines)| units(lines)).unwrap_or_default(),
        }
    }

    /// Whether the switch restarts `unit`.
    pub(crate) fn restarts(&self, unit: &str) -> bool {
        self.restarts.contains(unit)
    }

    /// Whether `unit` runs after the switch, if the unit does not run now.
    pub(crate) fn starts(&self, unit: &str) -> bool {
        self.starts.contains(unit) || self.restarts(unit)
    }

    /// Whether the switch makes `unit`, which runs now, read its files again.
    pub(crate) fn reloads(&self, unit: &str) -> bool {
        self.reloads.contains(unit) || self.restarts(unit)
    }

    /// Whether `unit` had failed when the switch began.
    pub(crate) fn had_failed(&self, unit: &str) -> bool {
        self.failed.contains(unit)
    }
}

/// The units of a list, which has one unit on each line.
fn units(lines: &str) -> HashSet<String> {
    lines.lines().map(str::to_owned).collect()
}

/// Whether a switch is running.
pub(crate) fn is_running(directory: &Path) -> bool {
    process(directory).is_some()
}

/// The number of the process of the switch that is running. A switch locks a file as long as it runs, and the kernel tells who has
/// a lock. This program never tries to take the lock: a switch that began at that moment would not get the lock, and would end.
fn process(directory: &Path) -> Option<String> {
    let lock = rustix::fs::stat(directory.join("switch-to-configuration.lock")).ok()?;
    locks::holder(&Root::new("/"), &lock).map(|process| process.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{FlockOperation, flock};
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_switch_runs_while_its_file_is_locked() {
        let directory = TempDir::new().unwrap();
        assert!(!is_running(directory.path()), "there is no such file");
        let path = directory.path().join("switch-to-configuration.lock");
        let file = File::create(&path).unwrap();
        assert!(!is_running(directory.path()), "it is not locked");
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert_eq!(process(directory.path()), Some(std::process::id().to_string()));
        // The file is unlocked here, and not closed: children that other tests start at this moment also have the file open, until
        // they run another program.
        flock(&file, FlockOperation::Unlock).unwrap();
        assert!(!is_running(directory.path()), "it is no longer locked");
    }

    #[test]
    fn what_a_switch_will_do_is_in_its_lists() {
        let directory = TempDir::new().unwrap();
        let in_directory = |name: &str| directory.path().join(name);
        fs::write(in_directory("restart-list"), "a.service\n").unwrap();
        fs::write(in_directory("start-list"), "b.service\n").unwrap();
        fs::write(in_directory("reload-list"), "c.service\n").unwrap();
        fs::write(in_directory("failed"), "12\nd.service\n").unwrap();
        let switch = Switch::in_directory(directory.path(), &in_directory("failed"), "12");
        let told = ["a.service", "b.service", "c.service", "d.service"].map(|unit| {
            [
                switch.restarts(unit),
                switch.starts(unit),
                switch.reloads(unit),
                switch.had_failed(unit),
            ]
        });
        assert_eq!(
            told,
            [
                [true, true, true, false],
                [false, true, false, false],
                [false, false, true, false],
                [false, false, false, true]
            ]
        );
    }

    #[test]
    fn what_an_earlier_switch_left_says_nothing_of_this_one() {
        let directory = TempDir::new().unwrap();
        let failed = directory.path().join("failed");
        fs::write(&failed, "12\nd.service\n").unwrap();
        for (process, had_failed) in [("12", true), ("1", false), ("123", false)] {
            let switch = Switch::in_directory(directory.path(), &failed, process);
            assert_eq!(switch.had_failed("d.service"), had_failed, "{process}");
        }
    }
}
