//! The table that the bench prints: a row for each case.

use crate::{
    case::Case,
    measure::Cost,
    programs::{Costs, median, ratio},
};

/// The head of the table.
pub fn head() -> &'static str {
    "| what | wall | CPU | peak memory | floor: wall | CPU | memory | other: wall | CPU | memory | runs |\n\
     | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
}

/// The row of one case: our figures, how many times those of the floor they are, and how many times ours those of the other program are.
pub fn row(case: &Case, costs: &Costs) -> String {
    let Costs { ours, floor, other } = costs;
    if !costs.are_good() {
        return format!("| {} | failed | | | | | | | | | |", case.name);
    }
    let middle = |of: fn(&Cost) -> f64| median(ours.iter().map(of));
    let times = |these: &[Cost], those: &[Cost]| {
        let figure =
            |of: fn(&Cost) -> f64| ratio(these, those, of).map_or_else(|| "–".to_owned(), |ratio| format!("{}×", short(ratio)));
        [wall, cpu, memory].map(figure).join(" | ")
    };
    format!(
        "| {} | {} ms | {} ms | {:.1} MiB | {} | {} | {} |",
        case.name,
        short(middle(wall)),
        short(middle(cpu)),
        middle(memory),
        times(ours, floor),
        times(other, ours),
        ours.len(),
    )
}

/// Milliseconds on the clock.
pub fn wall(cost: &Cost) -> f64 {
    cost.wall.as_secs_f64() * 1000.0
}

/// Milliseconds on the processors.
pub fn cpu(cost: &Cost) -> f64 {
    cost.cpu.as_secs_f64() * 1000.0
}

/// MiB of memory held at once.
pub fn memory(cost: &Cost) -> f64 {
    f64::from(u32::try_from(cost.peak_kib).unwrap()) / 1024.0
}

/// A figure with two digits, or with all before its point.
fn short(figure: f64) -> String {
    if figure < 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.0}")
    }
}
