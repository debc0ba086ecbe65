//! A switch that is running: what it will do itself, so that it is not done twice.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{major, minor};

/// Where a switch keeps its state.
pub(crate) const DIRECTORY: &str = "/run/nixos";

/// The file in which `nixos-module` lists the units that had failed when the switch began, one a line. The switch makes systemd
/// forget failures, so systemd cannot be asked.
const FAILED: &str = "/run/sops-nix/failed-units";

/// What is known of a switch that is running. Nothing, if none is.
#[derive(Default)]
pub(crate) struct Switch {
    /// Units that it restarts, starts or reloads itself, after the secrets are installed. To start a unit that runs does nothing.
    restarts: HashSet<String>,
    starts: HashSet<String>,
    reloads: HashSet<String>,
    /// Units that had failed when it began.
    failed: HashSet<String>,
}

impl Switch {
    /// The switch that is running now, if there is one.
    pub(crate) fn now() -> Self {
        let directory = Path::new(DIRECTORY);
        if is_running(directory) {
            Self::in_directory(directory, Path::new(FAILED))
        } else {
            Self::default()
        }
    }

    /// One of which nothing is known but that these units had failed.
    pub(crate) fn with_failed(failed: Vec<String>) -> Self {
        Self {
            failed: failed.into_iter().collect(),
            ..Self::default()
        }
    }

    /// One that does this.
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

    fn in_directory(directory: &Path, failed: &Path) -> Self {
        let list = |path: PathBuf| -> HashSet<String> {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        Self {
            restarts: list(directory.join("restart-list")),
            starts: list(directory.join("start-list")),
            reloads: list(directory.join("reload-list")),
            failed: list(failed.to_owned()),
        }
    }

    /// Whether it restarts this unit.
    pub(crate) fn restarts(&self, unit: &str) -> bool {
        self.restarts.contains(unit)
    }

    /// Whether this unit runs afterwards, if it does not run now.
    pub(crate) fn starts(&self, unit: &str) -> bool {
        self.starts.contains(unit) || self.restarts(unit)
    }

    /// Whether it makes this unit, which runs, read its files again.
    pub(crate) fn reloads(&self, unit: &str) -> bool {
        self.reloads.contains(unit) || self.restarts(unit)
    }

    /// Whether this unit had failed when it began.
    pub(crate) fn had_failed(&self, unit: &str) -> bool {
        self.failed.contains(unit)
    }
}

/// Whether a switch is running: it has a lock on a file for all its time. The kernel tells who has a lock. We never try to take it,
/// because a switch that began at that moment would end.
pub(crate) fn is_running(directory: &Path) -> bool {
    let Ok(metadata) = fs::metadata(directory.join("switch-to-configuration.lock")) else {
        return false;
    };
    let file = format!(
        "{:02x}:{:02x}:{}",
        major(metadata.dev()),
        minor(metadata.dev()),
        metadata.ino()
    );
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|lock| has(lock, &file))
}

/// Whether a line of `/proc/locks` is about a lock on the file. (A line with `->` is about somebody who waits for it.)
fn has(lock: &str, file: &str) -> bool {
    !lock.contains("->") && lock.split_whitespace().nth(5) == Some(file)
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
        assert!(is_running(directory.path()));
        // Not by closing it: children that other tests start at this moment have it open too, until they are another program.
        flock(&file, FlockOperation::Unlock).unwrap();
        assert!(!is_running(directory.path()), "it is no longer locked");
    }

    #[test]
    fn who_waits_for_a_lock_has_none() {
        assert!(has("1: FLOCK  ADVISORY  WRITE 12 00:19:345 0 EOF", "00:19:345"));
        assert!(!has("1: FLOCK  ADVISORY  WRITE 12 00:19:34 0 EOF", "00:19:345"));
        assert!(!has("1: -> FLOCK  ADVISORY  WRITE 12 00:19:345 0 EOF", "00:19:345"));
    }

    #[test]
    fn what_a_switch_will_do_is_in_its_lists() {
        let directory = TempDir::new().unwrap();
        let in_directory = |name: &str| directory.path().join(name);
        fs::write(in_directory("restart-list"), "a.service\n").unwrap();
        fs::write(in_directory("start-list"), "b.service\n").unwrap();
        fs::write(in_directory("reload-list"), "c.service\n").unwrap();
        fs::write(in_directory("failed"), "d.service\n").unwrap();
        let switch = Switch::in_directory(directory.path(), &in_directory("failed"));
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
}
