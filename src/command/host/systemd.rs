//! Asks systemd about units. Where no systemd runs, there are no answers.

use std::{collections::BTreeMap, process::Command, time::Duration};

use crate::{
    install::units::full_name,
    system::child::{Child, Finished},
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a run of the installer may take: its unit has a limit of its own.
const LONG_PATIENCE: Duration = Duration::from_mins(15);

/// Those of `units` that have failed.
pub(crate) fn failed(units: &[String]) -> Vec<String> {
    chosen(units, has_failed)
}

/// Those of `units` that have failed, or that something wants and that were never started since the machine was: what they need has
/// failed. Somebody may have stopped the other units that are inactive.
pub(crate) fn waiting(units: &[String]) -> Vec<String> {
    chosen(units, |unit| has_failed(unit) || was_never_started(unit))
}

fn has_failed(unit: &Properties<'_>) -> bool {
    unit.get("ActiveState") == Some(&"failed")
}

fn was_never_started(unit: &Properties<'_>) -> bool {
    let is_wanted = ["WantedBy", "RequiredBy"]
        .iter()
        .any(|key| unit.get(key).is_some_and(|value| !value.is_empty()));
    is_wanted && unit.get("ActiveState") == Some(&"inactive") && unit.get("InactiveExitTimestampMonotonic") == Some(&"0")
}

/// What systemd says of a unit, by the names of its properties.
type Properties<'t> = BTreeMap<&'t str, &'t str>;

/// The full names of those `units` of which systemd says what `is_it` looks for. Of a template, they are its instances.
fn chosen(units: &[String], is_it: impl Fn(&Properties<'_>) -> bool) -> Vec<String> {
    if units.is_empty() {
        return Vec::new();
    }
    let mut command = Command::new("systemctl");
    command.args([
        "show",
        "--property=Id,ActiveState,InactiveExitTimestampMonotonic,WantedBy,RequiredBy",
        "--",
    ]);
    command.args(units.iter().map(|unit| full_name(unit).replace("@.", "@*.")));
    let Some(answer) = output(command) else { return Vec::new() };
    let blocks = answer.split("\n\n").map(|block| {
        block
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect::<Properties<'_>>()
    });
    let chosen = blocks.filter(|unit| is_it(unit));
    chosen
        .filter_map(|unit| unit.get("Id").map(|name| (*name).to_owned()))
        .collect()
}

/// The units of an ordering cycle that the start of `unit` leads to. `systemd-analyze` finds it in the unit files, as systemd would at
/// boot.
pub(crate) fn cycle(unit: &str) -> Option<Vec<String>> {
    let mut command = Command::new("systemd-analyze");
    command
        .args(["verify", "--man=no", "--"])
        .arg(unit)
        .env("SYSTEMD_LOG_LEVEL", "warning");
    let said = run(command)?.stderr;
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
    let finished = run(command).filter(|finished| finished.status.success())?;
    Some(String::from_utf8_lossy(finished.output.expose()).into_owned())
}

fn run(mut command: Command) -> Option<Finished> {
    Child::start(&mut command, PATIENCE).and_then(Child::finish).ok()
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

/// Has systemctl do something with a unit. Gives whether it succeeded.
fn ask(user: Option<&str>, words: &[&str], unit: &str, patience: Duration) -> bool {
    let mut command = Command::new("systemctl");
    command.args(user).args(words).arg("--").arg(unit);
    let finished = Child::start(&mut command, patience).and_then(Child::finish);
    finished.is_ok_and(|finished| finished.status.success())
}
