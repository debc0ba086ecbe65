//! The programs that are compared: ours, the floor, and another one that takes the same manifests.

use std::{
    env,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    case::Case,
    measure::{self, Cost},
    place::Place,
};

/// Our program.
pub const OURS: &str = env!("CARGO_BIN_EXE_sops-install-secrets");

/// How long the other program may take for all its runs of one case, after the first run. If it is slow, it has fewer runs.
const ENOUGH: Duration = Duration::from_secs(15);

/// What the programs cost in one case, each in turn. The runs at the same place of two lists were made one right after the other.
pub struct Costs {
    pub ours: Vec<Cost>,
    pub floor: Vec<Cost>,
    /// Empty if there is no other program, or if it cannot do this.
    pub other: Vec<Cost>,
}

/// The other program, named by the environment variable `SOPS_NIX_PROGRAM`.
pub fn other() -> Option<PathBuf> {
    env::var_os("SOPS_NIX_PROGRAM").map(PathBuf::from)
}

impl Costs {
    /// Runs all programs in turn.
    pub fn of(case: &Case, place: &Place) -> Self {
        let manifest = case.manifest.to_str().unwrap().to_owned();
        let floor = [
            env::current_exe().unwrap().to_str().unwrap(),
            "--floor",
            case.plan.to_str().unwrap(),
        ]
        .map(str::to_owned);
        let ours = [OURS.to_owned(), manifest.clone()];
        let mut other = other()
            .filter(|_| case.is_for_other)
            .map(|program| [program.to_str().unwrap().to_owned(), manifest.clone()]);
        let mut costs = Self {
            ours: Vec::new(),
            floor: Vec::new(),
            other: Vec::new(),
        };
        let start = Instant::now();
        let mut spent = Duration::ZERO;
        for _ in 0..case.runs {
            costs.ours.push(run(case, place, &ours, &ours));
            costs.floor.push(run(case, place, &floor, &ours));
            if let Some(command) = other.as_ref().filter(|_| spent <= ENOUGH) {
                let cost = run(case, place, command, command);
                spent += cost.wall;
                if cost.is_success {
                    costs.other.push(cost);
                } else {
                    other = None;
                }
            }
            if !costs.are_good() || start.elapsed() > 4 * ENOUGH {
                break;
            }
        }
        costs
    }

    /// Whether our program and the floor did what they should.
    pub fn are_good(&self) -> bool {
        self.ours.iter().chain(&self.floor).all(|cost| cost.is_success)
    }
}

/// One run on an empty place, or on the place that `before` left behind.
fn run(case: &Case, place: &Place, command: &[String], before: &[String]) -> Cost {
    place.clear();
    if case.is_second_run {
        measure::in_own_process(before);
    }
    measure::in_own_process(command)
}

/// The median of a figure over several runs.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of the ratios of two lists of runs, pair by pair.
pub fn ratio(above: &[Cost], below: &[Cost], of: impl Fn(&Cost) -> f64) -> Option<f64> {
    let pairs = || above.iter().zip(below);
    pairs().next()?;
    Some(median(pairs().map(|(this, other)| of(this) / of(other))))
}
