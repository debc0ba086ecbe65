//! Asks systemd about units. Where no systemd runs, there are no answers.

use std::{process::Command, time::Duration};

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
    let units: Vec<_> = units.iter().map(|unit| full_name(unit)).collect();
    if units.is_empty() {
        return Vec::new();
    }
    let mut command = Command::new("systemctl");
    command.args(["show", "--property=Id,ActiveState", "--"]).args(&units);
    let Some(answer) = output(command) else { return Vec::new() };
    let blocks = answer
        .split("\n\n")
        .filter(|block| block.lines().any(|line| line == "ActiveState=failed"));
    let ids = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("Id=")));
    ids.map(str::to_owned).collect()
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
    let units: Vec<_> = steps
        .map(|(_, rest)| rest.split('/').next().unwrap_or(rest).to_owned())
        .collect();
    let is_concerned = units.iter().any(|name| name == unit);
    is_concerned.then_some(units)
}

/// What a program prints, if it ends well.
fn output(command: Command) -> Option<String> {
    let finished = run(command).filter(|finished| finished.status.success())?;
    Some(String::from_utf8_lossy(finished.output.expose()).into_owned())
}

fn run(mut command: Command) -> Option<Finished> {
    Child::start(&mut command, PATIENCE).and_then(Child::finish).ok()
}

/// Restarts a unit, and waits until it has ended. The unit is one of the user's service manager if it `is_of_user`. Gives whether it
/// succeeded.
pub(crate) fn restart(unit: &str, is_of_user: bool) -> bool {
    let mut command = Command::new("systemctl");
    command.args(is_of_user.then_some("--user")).args(["restart", "--"]).arg(unit);
    let finished = Child::start(&mut command, LONG_PATIENCE).and_then(Child::finish);
    finished.is_ok_and(|finished| finished.status.success())
}

/// Starts a unit, also if it has failed too often. Gives whether systemd took the request.
pub(crate) fn start(unit: &str) -> bool {
    let call = |words: &[&str]| {
        let mut command = Command::new("systemctl");
        command.args(words).arg("--").arg(unit);
        run(command).is_some_and(|finished| finished.status.success())
    };
    call(&["reset-failed"]);
    call(&["--no-block", "start"])
}
