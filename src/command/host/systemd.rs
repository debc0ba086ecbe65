//! Asks systemd about units. Where no systemd runs, there are no answers.

use std::{collections::BTreeSet, process::Command, time::Duration};

use crate::{
    install::units::full_name,
    system::{
        child::{Child, Finished},
        progress::Progress,
    },
    text::{printable::named, shell},
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a run of the installer may take: its unit has a limit of its own.
const LONG_PATIENCE: Duration = Duration::from_mins(15);

/// Whether a unit has failed. The unit is one of the user's service manager if it `is_of_user`.
pub(crate) fn has_failed(unit: &str, is_of_user: bool) -> bool {
    let states = states(is_of_user.then_some("--user"), &[unit.to_owned()]);
    states.iter().any(UnitState::has_failed)
}

/// Those of `units` that have failed.
pub(crate) fn failed(units: &[String]) -> Vec<String> {
    let states = states(None, units).into_iter();
    states.filter(UnitState::has_failed).map(|unit| unit.name).collect()
}

/// Those of `units` that have failed, or that were never started since the machine was, although an active unit wants them: what they
/// need has failed. Somebody may have stopped the other units that are inactive.
pub(crate) fn waiting(units: &[String]) -> Vec<String> {
    let states = states(None, units);
    let by: BTreeSet<_> = states.iter().flat_map(|unit| &unit.wanted_by).cloned().collect();
    let active: BTreeSet<_> = self::states(None, &by.into_iter().collect::<Vec<_>>())
        .into_iter()
        .filter(|unit| unit.state == "active")
        .map(|unit| unit.name)
        .collect();
    let is_wanted = |unit: &UnitState| unit.wanted_by.iter().any(|name| active.contains(name));
    let waiting = states
        .into_iter()
        .filter(|unit| unit.has_failed() || (unit.was_never_started() && is_wanted(unit)));
    waiting.map(|unit| unit.name).collect()
}

/// What systemd says of a unit.
#[derive(Default)]
struct UnitState {
    /// Its full name.
    name: String,
    /// Whether it is `active`, `inactive`, `failed` or on its way.
    state: String,
    /// When it last began to start, in microseconds since the machine was started; 0 for never.
    started: String,
    /// The units that want or require it.
    wanted_by: Vec<String>,
}

impl UnitState {
    fn parse(block: &str) -> Self {
        let mut unit = Self::default();
        for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "Id" => value.clone_into(&mut unit.name),
                "ActiveState" => value.clone_into(&mut unit.state),
                "InactiveExitTimestampMonotonic" => value.clone_into(&mut unit.started),
                _ => unit.wanted_by.extend(value.split_whitespace().map(str::to_owned)),
            }
        }
        unit
    }

    fn has_failed(&self) -> bool {
        self.state == "failed"
    }

    fn was_never_started(&self) -> bool {
        self.state == "inactive" && self.started == "0"
    }
}

/// The states of `units`. Of a template, they are those of its instances. Without an answer, there are none.
fn states(user: Option<&str>, units: &[String]) -> Vec<UnitState> {
    if units.is_empty() {
        return Vec::new();
    }
    let mut command = Command::new("systemctl");
    command.args(user).args([
        "show",
        "--property=Id,ActiveState,InactiveExitTimestampMonotonic,WantedBy,RequiredBy",
        "--",
    ]);
    command.args(units.iter().map(|unit| full_name(unit).replace("@.", "@*.")));
    let answer = output(command).unwrap_or_default();
    answer.split("\n\n").map(UnitState::parse).collect()
}

/// The units of an ordering cycle that the start of `unit` leads to. `systemd-analyze` finds it in the unit files, as systemd would at
/// boot.
pub(crate) fn cycle(unit: &str) -> Option<Vec<String>> {
    let mut command = Command::new("systemd-analyze");
    command
        .args(["verify", "--man=no", "--"])
        .arg(unit)
        .env("SYSTEMD_LOG_LEVEL", "warning");
    let what = format!("systemd-analyze, which looks for ordering cycles of {}", named(unit));
    let said = run(command, what)?.stderr;
    let words = ["Found ordering cycle on ", "Found dependency on "];
    let steps = said
        .lines()
        .filter_map(|line| words.iter().find_map(|word| line.split_once(word)));
    let mut units: Vec<_> = steps
        .map(|(_, rest)| rest.split('/').next().unwrap_or(rest).to_owned())
        .collect();
    // A cycle has no beginning, and systemd begins anywhere.
    let position = units.iter().position(|name| name == unit)?;
    units.rotate_left(position);
    Some(units)
}

/// What a program prints, if it ends well.
fn output(command: Command) -> Option<String> {
    let finished =
        run(command, "systemd, which is asked by systemctl: show".to_owned()).filter(|finished| finished.status.success())?;
    Some(String::from_utf8_lossy(finished.output.expose()).into_owned())
}

/// Runs a program to its end. `what` says what is waited for.
fn run(mut command: Command, what: String) -> Option<Finished> {
    let child = Child::start(&mut command, PATIENCE, Progress::about(what));
    child.and_then(Child::finish).ok()
}

/// Restarts a unit, also if it has failed too often, and waits until it has ended. The unit is one of the user's service manager if it
/// `is_of_user`. Gives whether it succeeded.
pub(crate) fn restart(unit: &str, is_of_user: bool) -> bool {
    let user = is_of_user.then_some("--user");
    ask(user, &["reset-failed"], unit, PATIENCE);
    ask(user, &["restart"], unit, LONG_PATIENCE)
}

/// Starts a unit, also if it has failed too often. Gives whether systemd took the request.
pub(crate) fn start(unit: &str) -> bool {
    ask(None, &["reset-failed"], unit, PATIENCE);
    ask(None, &["--no-block", "start"], unit, PATIENCE)
}

/// Waits until a unit is active, which may be on its way already. Gives whether it is.
pub(crate) fn finish_start(unit: &str) -> bool {
    ask(None, &["start"], unit, LONG_PATIENCE)
}

/// Stops a unit, and waits until it has ended. Gives whether it succeeded.
pub(crate) fn stop(unit: &str) -> bool {
    ask(None, &["stop"], unit, PATIENCE)
}

/// Has systemctl do something with a unit. Gives whether it succeeded.
fn ask(user: Option<&str>, words: &[&str], unit: &str, patience: Duration) -> bool {
    let mut command = Command::new("systemctl");
    command.args(user).args(words).arg("--").arg(unit);
    let what = match words.last() {
        Some(&word @ ("restart" | "start")) if patience == LONG_PATIENCE => format!(
            "systemd, which {word}s {}; to see what that waits for, run: systemctl {}status {}",
            named(unit),
            user.map(|option| format!("{option} ")).unwrap_or_default(),
            shell::word(unit)
        ),
        word => format!("systemd, which is asked by systemctl: {}", word.copied().unwrap_or_default()),
    };
    let finished = Child::start(&mut command, patience, Progress::about(what)).and_then(Child::finish);
    finished.is_ok_and(|finished| finished.status.success())
}
