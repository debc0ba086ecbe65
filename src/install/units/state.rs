//! What systemd tells of a unit, and what the unit's files say to a switch.

use std::fs;

/// The properties that [`State::parse`] reads, as an argument of `systemctl show`.
pub(crate) const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,CanReload,RefuseManualStart,RefuseManualStop,FragmentPath,DropInPaths,InactiveExitTimestampMonotonic";

/// Whether a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It runs, or is being started or reloaded.
    Runs,
    /// It has failed.
    Failed,
    /// It does not run, or is being stopped.
    Idle,
}

/// Whether systemd has the files of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// It has them.
    There,
    /// Somebody has masked the unit.
    Masked,
    /// There are none.
    Gone,
}

/// A setting because of which a unit is not restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is only started by hand.
    #[error("its X-OnlyManualStart is set")]
    OnlyManualStart,
    /// It is only started because another unit needs it.
    #[error("its RefuseManualStart is set")]
    RefuseManualStart,
    /// It is only stopped because another unit stops.
    #[error("its RefuseManualStop is set")]
    RefuseManualStop,
    /// The setting of NixOS.
    #[error("its restartIfChanged is false")]
    RestartIfChanged,
}

impl Refusal {
    /// Whether the unit is not started either.
    pub(crate) fn is_of_start(self) -> bool {
        matches!(self, Self::OnlyManualStart | Self::RefuseManualStart)
    }

    /// Whether systemd itself refuses the command, so that nobody can give it.
    pub(crate) fn is_of_systemd(self) -> bool {
        matches!(self, Self::RefuseManualStart | Self::RefuseManualStop)
    }
}

/// The state of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The unit's own name, if systemd tells it. The unit may have been asked for by another name, an alias.
    pub id: Option<String>,
    pub load: Load,
    pub activity: Activity,
    /// Whether the unit has a command for reloading.
    pub can_reload: bool,
    /// The setting of NixOS that a change is a reason to reload, not to restart.
    pub reload_if_changed: bool,
    pub refusals: Vec<Refusal>,
    /// When it last began to start, in µs of the monotonic clock; 0 if it never has.
    pub started: u64,
}

impl State {
    /// Whether it does not run, and a switch that is asked to restart it starts it.
    pub(crate) fn can_be_started(&self) -> bool {
        let refuses = self.refusals.iter().any(|refusal| refusal.is_of_start());
        self.activity == Activity::Idle && self.load == Load::There && !refuses
    }

    /// Reads one block of the output of `systemctl show`; `None` if it tells nothing of a state.
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

/// A setting of a unit file that systemd does not know. As for `switch-to-configuration`, the last one counts, and only these four
/// words mean yes.
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
