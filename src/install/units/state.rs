//! The state of a unit: what systemd reports about the unit, and the settings in the files of the unit that NixOS reads.

use std::fs;

/// The properties that [`State::parse`] reads, as an argument of `systemctl show`.
pub(crate) const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,CanReload,RefuseManualStart,RefuseManualStop,FragmentPath,DropInPaths,InactiveExitTimestampMonotonic";

/// Whether a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// The unit runs, or is being started or reloaded.
    Runs,
    /// The unit has failed.
    Failed,
    /// The unit does not run, or is being stopped.
    Idle,
}

/// Whether systemd has the files of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// systemd has at least one file of the unit.
    There,
    /// Somebody has masked the unit.
    Masked,
    /// systemd has no file of the unit.
    Gone,
}

/// A setting of a unit that forbids a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The unit is only started by hand. NixOS reads this setting.
    #[error("its unit file sets X-OnlyManualStart")]
    OnlyManualStart,
    /// The unit may only be started because another unit needs it.
    #[error("its unit file sets RefuseManualStart")]
    RefuseManualStart,
    /// The unit may only be stopped because another unit stops.
    #[error("its unit file sets RefuseManualStop")]
    RefuseManualStop,
    /// A switch must not restart the unit, even if the unit has changed. NixOS reads this setting.
    #[error("its restartIfChanged is false")]
    RestartIfChanged,
}

impl Refusal {
    /// Whether the setting also forbids to start the unit.
    pub(crate) fn is_of_start(self) -> bool {
        matches!(self, Self::OnlyManualStart | Self::RefuseManualStart)
    }

    /// Whether systemd itself refuses to restart the unit, so that no command helps.
    pub(crate) fn is_of_systemd(self) -> bool {
        matches!(self, Self::RefuseManualStart | Self::RefuseManualStop)
    }
}

/// The state of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The own name of the unit, if systemd reports the name. The request may have named the unit by an alias.
    pub id: Option<String>,
    pub load: Load,
    pub activity: Activity,
    /// Whether the unit has a command for reloading.
    pub can_reload: bool,
    /// Whether a change is a reason to reload the unit, not to restart it. NixOS reads this setting.
    pub reload_if_changed: bool,
    pub refusals: Vec<Refusal>,
    /// When the unit last began to start, in µs of the monotonic clock; 0 if the unit has never started.
    pub started: u64,
}

impl State {
    /// Whether the unit does not run, and a switch would start the unit if the restart list named the unit.
    pub(crate) fn can_be_started(&self) -> bool {
        let refuses = self.refusals.iter().any(|refusal| refusal.is_of_start());
        self.activity == Activity::Idle && self.load == Load::There && !refuses
    }

    /// Reads one block of the output of `systemctl show`. Returns `None` if the block describes no state.
    pub(crate) fn parse(block: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        };
        let is_set = |name| value(name) == Some("yes");
        let paths = value("FragmentPath")
            .into_iter()
            .chain(value("DropInPaths").unwrap_or_default().split(' '));
        let files: String = paths
            .filter_map(|path| fs::read_to_string(path).ok())
            .collect::<Vec<_>>()
            .join("\n");
        Some(Self {
            id: value("Id").filter(|id| !id.is_empty()).map(str::to_owned),
            load: match value("LoadState")? {
                "masked" => Load::Masked,
                "not-found" => Load::Gone,
                _ => Load::There,
            },
            activity: match value("ActiveState")? {
                "active" | "activating" | "reloading" | "refreshing" => Activity::Runs,
                "failed" => Activity::Failed,
                _ => Activity::Idle,
            },
            can_reload: is_set("CanReload"),
            reload_if_changed: setting(&files, "X-ReloadIfChanged", false),
            refusals: [
                (setting(&files, "X-OnlyManualStart", false), Refusal::OnlyManualStart),
                (is_set("RefuseManualStart"), Refusal::RefuseManualStart),
                (is_set("RefuseManualStop"), Refusal::RefuseManualStop),
                (!setting(&files, "X-RestartIfChanged", true), Refusal::RestartIfChanged),
            ]
            .into_iter()
            .filter_map(|(is_set, refusal)| is_set.then_some(refusal))
            .collect(),
            started: value("InactiveExitTimestampMonotonic")
                .and_then(|time| time.parse().ok())
                .unwrap_or(0),
        })
    }
}

/// Reads a boolean setting from the text of unit files. systemd ignores such a setting, but `switch-to-configuration` reads it. The
/// rules here are the same as there: the last value counts, and only four words mean yes.
fn setting(files: &str, name: &str, default: bool) -> bool {
    let values = files
        .lines()
        .filter_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='));
    match values.map(str::trim).next_back() {
        None | Some("") => default,
        Some(value) => ["1", "yes", "true", "on"].contains(&value),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_systemd_tells_is_read() {
        let block = "Id=a.service\nLoadState=loaded\nActiveState=activating\nCanReload=yes\nRefuseManualStart=no\nRefuseManualStop=yes\n\
                     InactiveExitTimestampMonotonic=42\nFragmentPath=\nDropInPaths=";
        let state = State::parse(block).unwrap();
        let wanted = State {
            id: Some("a.service".to_owned()),
            load: Load::There,
            activity: Activity::Runs,
            can_reload: true,
            reload_if_changed: false,
            refusals: vec![Refusal::RefuseManualStop],
            started: 42,
        };
        assert_eq!(state, wanted);
        assert_eq!(State::parse("what is this"), None);
        let of = |load: &str, active: &str| {
            let state = State::parse(&format!("LoadState={load}\nActiveState={active}")).unwrap();
            (state.load, state.activity)
        };
        assert_eq!(of("masked", "inactive"), (Load::Masked, Activity::Idle));
        assert_eq!(of("not-found", "failed"), (Load::Gone, Activity::Failed));
    }

    #[test]
    fn of_the_settings_in_the_files_of_a_unit_the_last_counts() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::write(
            path("a.service"),
            "[Unit]\nX-OnlyManualStart = on\n[Service]\nX-RestartIfChanged=true\n",
        )
        .unwrap();
        fs::write(
            path("1.conf"),
            "[Service]\nX-RestartIfChanged=false\nX-ReloadIfChanged=maybe\n",
        )
        .unwrap();
        fs::write(path("2.conf"), "[Service]\nX-ReloadIfChanged=yes").unwrap();
        let block = format!(
            "LoadState=loaded\nActiveState=active\nFragmentPath={}\nDropInPaths={} {}",
            path("a.service"),
            path("1.conf"),
            path("2.conf")
        );
        let state = State::parse(&block).unwrap();
        assert!(state.reload_if_changed);
        assert_eq!(state.refusals, [Refusal::OnlyManualStart, Refusal::RestartIfChanged]);
    }
}
