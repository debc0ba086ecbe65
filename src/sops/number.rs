//! Writes floats as the Go standard library does, because sops hashes the text of a float for the MAC.

/// Writes a float without an exponent, with the fewest decimal digits that are read back as the same float. Examples are `5`,
/// `0.1`, `-0`, `+Inf` and `NaN`. The result equals that of Go's `strconv.FormatFloat(x, 'f', -1, 64)`.
#[must_use]
pub fn positional(number: f64) -> String {
    special(number).unwrap_or_else(|| {
        let shortest = number.to_string();
        let Some((_, decimals)) = shortest.split_once('.') else {
            return shortest;
        };
        let decimals = decimals.len();
        // Only a number exactly in the middle between two texts needs the rounding below. For all other numbers, the rounding
        // is left out, because it is slow for very small numbers.
        if !is_between(number, decimals) {
            return shortest;
        }
        nearest_of_its_length(number, shortest, |number| format!("{number:.decimals$}"))
    })
}

/// Writes a float with the fewest decimal digits that are read back as the same float. If the decimal exponent is below -4, or is 6
/// or more, the text has an exponent of at least two digits, as in `1e+06` and `1.5e-07`. Otherwise the text has no exponent. The
/// result equals that of Go's `strconv.FormatFloat(x, 'g', -1, 64)`.
#[must_use]
pub fn compact(number: f64) -> String {
    let scientific = format!("{number:e}");
    let decimals = scientific.split_once('e').map_or(0, |(digits, _)| {
        digits.split_once('.').map_or(0, |(_, decimals)| decimals.len())
    });
    let scientific = nearest_of_its_length(number, scientific, |number| format!("{number:.decimals$e}"));
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return positional(number);
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return positional(number);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Whether the number lies exactly in the middle between two texts with this many decimals. The last decimal of an exact decimal
/// form is always 5. So the number lies in the middle if its exact form has one decimal more than the texts.
fn is_between(number: f64, decimals: usize) -> bool {
    let bits = number.to_bits();
    let exponent = i64::try_from(bits >> 52 & 0x7ff).unwrap_or_default();
    let fraction = bits & ((1 << 52) - 1);
    // A subnormal number has no implicit leading 1 bit, and its exponent is that of the smallest normal numbers.
    let (mantissa, exponent) = if exponent == 0 {
        (fraction, 1)
    } else {
        (fraction | 1 << 52, exponent)
    };
    // The number of decimals of the exact form. The bias of the exponent (1023) and the bits of the fraction (52) make 1075.
    let halvings = 1075 - exponent - i64::from(mantissa.trailing_zeros());
    usize::try_from(halvings) == Ok(decimals + 1)
}

/// The text that Go chooses. Two texts of the shortest length can be equally near to the number. Rust chooses the upper of the
/// two, which is `shortest`. Go chooses the text with an even last digit. `round` rounds the exact number to the same length,
/// which gives the text of Go. If the rounded text stands for another number, `shortest` is returned.
fn nearest_of_its_length(number: f64, shortest: String, round: impl Fn(f64) -> String) -> String {
    let rounded = round(number);
    let is_same = rounded
        .parse::<f64>()
        .is_ok_and(|parsed| parsed.to_bits() == number.to_bits());
    if is_same { rounded } else { shortest }
}

/// The spelling of infinity and NaN in Go; `None` for every other number.
fn special(number: f64) -> Option<String> {
    let text = if number.is_nan() {
        "NaN"
    } else if number == f64::INFINITY {
        "+Inf"
    } else if number == f64::NEG_INFINITY {
        "-Inf"
    } else {
        return None;
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_spelled_as_go_spells_them() {
        for (number, plain, short) in [
            (5.0, "5", "5"),
            (-0.0, "-0", "-0"),
            (123_456.0, "123456", "123456"),
            (1_000_000.0, "1000000", "1e+06"),
            (1_234_567.0, "1234567", "1.234567e+06"),
            (1e21, "1000000000000000000000", "1e+21"),
            (0.0001, "0.0001", "0.0001"),
            (1e-5, "0.00001", "1e-05"),
            (-2.5e-7, "-0.00000025", "-2.5e-07"),
            (
                -447_003_112_523_157.0 / 16.0,
                "-27937694532697.312",
                "-2.7937694532697312e+13",
            ),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
        ] {
            assert_eq!(positional(number), plain);
            assert_eq!(compact(number), short);
        }
    }
}
