//! The picture of how time and memory grow, as an SVG: a panel for each curve and figure, with a line for each program. Both axes are
//! logarithmic, so that what grows in proportion is a straight line.

use std::fmt::Write as _;

use crate::{
    case::{Case, Curve},
    measure::Cost,
    programs::{Costs, median},
    table::{memory, wall},
};

/// The size of a panel without its margins.
const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 180.0;
/// The room around a panel, for its words.
const MARGIN: f64 = 50.0;

/// The curves, with the words below their panels.
const CURVES: [(Curve, &str); 3] = [
    (Curve::Secrets, "secrets of one YAML file"),
    (Curve::Files, "YAML files of one secret"),
    (Curve::Bytes, "bytes of one binary secret"),
];

/// One figure of a cost.
type Figure = fn(&Cost) -> f64;

/// The figures, with the words beside their panels.
const FIGURES: [(Figure, &str); 2] = [(wall, "ms"), (memory, "MiB")];

/// The costs of one program.
type Program = fn(&Costs) -> &Vec<Cost>;

/// The programs, with the colours of their lines.
const PROGRAMS: [(Program, &str, &str); 3] = [
    (|costs| &costs.ours, "sops-install-secrets", "#0a6"),
    (|costs| &costs.floor, "floor", "#888"),
    (|costs| &costs.other, "the installer of sops-nix", "#c40"),
];

/// The picture of these results.
pub fn draw(results: &[(Case, Costs)]) -> String {
    let (width, height) = (3.0 * (WIDTH + MARGIN) + MARGIN, 2.0 * (HEIGHT + MARGIN) + MARGIN);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' font-family='sans-serif' font-size='11'>\n\
         <rect width='{width}' height='{height}' fill='white'/>\n"
    );
    for ((_, name, colour), x) in PROGRAMS.iter().zip([MARGIN, 220.0, 300.0]) {
        let _ = writeln!(svg, "<text x='{x}' y='20' fill='{colour}' font-weight='bold'>{name}</text>");
    }
    for (column, (curve, below)) in (0..).zip(CURVES) {
        for (row, (figure, beside)) in (0..).zip(FIGURES) {
            let at = (
                MARGIN + f64::from(column) * (WIDTH + MARGIN),
                MARGIN + f64::from(row) * (HEIGHT + MARGIN),
            );
            svg += &panel(results, at, (curve, below), (figure, beside));
        }
    }
    svg + "</svg>\n"
}

fn panel(
    results: &[(Case, Costs)],
    (left, top): (f64, f64),
    (curve, below): (Curve, &str),
    (figure, beside): (Figure, &str),
) -> String {
    let lines: Vec<_> = PROGRAMS
        .iter()
        .map(|(program, _, colour)| (points(results, curve, *program, figure), *colour))
        .collect();
    let all = || lines.iter().flat_map(|(points, _)| points);
    let (x, y) = (Axis::of(all().map(|point| point.0)), Axis::of(all().map(|point| point.1)));
    let place = |point: &(f64, f64)| (left + x.share(point.0) * WIDTH, top + HEIGHT - y.share(point.1) * HEIGHT);
    let mut svg = format!("<rect x='{left}' y='{top}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#444'/>\n");
    for power in x.powers() {
        let (at, _) = place(&(10_f64.powi(power), 1.0));
        let _ = writeln!(
            svg,
            "<text x='{at:.1}' y='{}' text-anchor='middle'>{}</text>",
            top + HEIGHT + 14.0,
            shown(power)
        );
    }
    for power in y.powers() {
        let (_, at) = place(&(1.0, 10_f64.powi(power)));
        let _ = writeln!(svg, "<path d='M{left} {at:.1}h{WIDTH}' stroke='#ddd'/>");
        let _ = writeln!(
            svg,
            "<text x='{}' y='{:.1}' text-anchor='end'>{}</text>",
            left - 4.0,
            at + 4.0,
            shown(power)
        );
    }
    for (points, colour) in &lines {
        let places: Vec<_> = points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2'/>",
            places.join(" ")
        );
    }
    let _ = writeln!(
        svg,
        "<text x='{}' y='{}' text-anchor='middle'>{below}</text>",
        left + WIDTH / 2.0,
        top + HEIGHT + 28.0
    );
    let _ = writeln!(svg, "<text x='{left}' y='{}'>{beside}</text>", top - 5.0);
    svg
}

/// Where the line of a program goes through.
fn points(results: &[(Case, Costs)], curve: Curve, of: Program, figure: Figure) -> Vec<(f64, f64)> {
    let on_curve = results.iter().filter_map(|(case, costs)| match case.point {
        Some((its, x)) if its == curve && costs.are_good() && !of(costs).is_empty() => {
            Some((x, median(of(costs).iter().map(figure))))
        }
        _ => None,
    });
    on_curve.collect()
}

/// A logarithmic axis, from one power of ten to another.
struct Axis {
    first: i32,
    last: i32,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::MAX, f64::min);
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        Self {
            first: power(least.log10().floor()),
            last: power(most.log10().ceil()),
        }
    }

    /// How far along the axis a value is, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.first)) / f64::from((self.last - self.first).max(1))
    }

    /// The powers of ten that are named.
    fn powers(&self) -> impl Iterator<Item = i32> {
        self.first..=self.last
    }
}

/// A power of ten as a number. It is small.
#[allow(clippy::cast_possible_truncation)]
fn power(exponent: f64) -> i32 {
    exponent as i32
}

fn shown(power: i32) -> String {
    match power {
        ..0 => format!("{:.*}", power.unsigned_abs() as usize, 10_f64.powi(power)),
        0..3 => format!("{}", 10_f64.powi(power)),
        3..6 => format!("{}k", 10_f64.powi(power - 3)),
        _ => format!("{}M", 10_f64.powi(power - 6)),
    }
}
