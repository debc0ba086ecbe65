//! Times as sops reads and writes them: RFC 3339, as Go's `time` package understands it.

/// The canonical form of a time: RFC 3339 with a fraction and an offset. The fraction has at most nine digits, without trailing
/// zeros. A zero offset is `Z`. The result equals that of Go's `time.Time.UnmarshalText` and `MarshalText`. Returns `None` if
/// the text is no such time.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let instant = Instant::parse(text)?;
    let fraction = instant.fraction.get(..9).unwrap_or(instant.fraction).trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let writable = instant.offset.abs() < 24 * 60;
    writable.then(|| format!("{}{point}{fraction}{}", instant.seconds(), instant.zone()))
}

/// The time in whole seconds. sops authenticates the MAC with this form. The result equals that of Go's
/// `time.Parse(time.RFC3339, …)` and `Format(time.RFC3339)`. Go accepts hours of one digit, and `,` before the fraction.
/// Returns `None` if the text is no such time.
#[must_use]
pub fn to_seconds(text: &str) -> Option<String> {
    let instant = Instant::parse(text)?;
    Some(format!("{}{}", instant.seconds(), instant.zone()))
}

/// A date, a time of day, and an offset from UTC.
struct Instant<'a> {
    /// Year, month and day of the instant.
    date: [u32; 3],
    /// Hour, minute and second of the instant.
    clock: [u32; 3],
    /// The digits behind the decimal point. There may be any number of digits, or none.
    fraction: &'a str,
    /// The offset in minutes east of UTC. Go accepts offsets of up to 24 hours and 60 minutes.
    offset: i32,
}

impl<'a> Instant<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (year, rest) = number(text, 4)?;
        let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
        let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
        let rest = rest.strip_prefix('T')?;
        let (hour, rest) = number(rest, 2).or_else(|| number(rest, 1))?;
        let (minute, rest) = number(rest.strip_prefix(':')?, 2)?;
        let (second, rest) = number(rest.strip_prefix(':')?, 2)?;
        let (fraction, rest) = fraction(rest);
        let offset = offset(rest)?;
        let valid =
            (1..=12).contains(&month) && (1..=days_in(month, year)).contains(&day) && hour < 24 && minute < 60 && second < 60;
        valid.then_some(Self {
            date: [year, month, day],
            clock: [hour, minute, second],
            fraction,
            offset,
        })
    }

    fn seconds(&self) -> String {
        let [year, month, day] = self.date;
        let [hour, minute, second] = self.clock;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    fn zone(&self) -> String {
        let sign = match self.offset {
            0 => return "Z".to_owned(),
            1.. => '+',
            _ => '-',
        };
        let minutes = self.offset.unsigned_abs();
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Reads a number of exactly `length` digits. Returns the number, and the text behind the digits.
fn number(text: &str, length: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(length)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((all_digits.then(|| digits.parse().ok())??, rest))
}

/// Reads a fraction: a point or comma, with at least one digit behind it. Returns the digits, and the text behind the fraction.
/// The digits are empty if there is no fraction.
fn fraction(text: &str) -> (&str, &str) {
    let Some(digits) = text.strip_prefix(['.', ',']) else {
        return ("", text);
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits.split_at_checked(length) {
        Some((digits, rest)) if length > 0 => (digits, rest),
        _ => ("", text),
    }
}

/// Reads an offset, `Z` or `±hh:mm`, which must end the text. Returns the offset in minutes.
fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    let valid = hours <= 24 && minutes <= 60 && rest.is_empty();
    let total = i32::try_from(hours * 60 + minutes).ok()?;
    valid.then_some(sign * total)
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text, what Go's `UnmarshalText` and `MarshalText` make of it, and what Go's `Parse` and `Format` make of it.
    const INSTANTS: &[(&str, Option<&str>, Option<&str>)] = &[
        (
            "2024-02-29T23:59:59Z",
            Some("2024-02-29T23:59:59Z"),
            Some("2024-02-29T23:59:59Z"),
        ),
        ("2023-02-29T00:00:00Z", None, None),
        (
            "2001-12-14T21:59:43.10-05:00",
            Some("2001-12-14T21:59:43.1-05:00"),
            Some("2001-12-14T21:59:43-05:00"),
        ),
        (
            "2001-12-14T1:02:03,5Z",
            Some("2001-12-14T01:02:03.5Z"),
            Some("2001-12-14T01:02:03Z"),
        ),
        (
            "2020-01-01T00:00:00+00:00",
            Some("2020-01-01T00:00:00Z"),
            Some("2020-01-01T00:00:00Z"),
        ),
        (
            "2020-01-01T00:00:00-00:00",
            Some("2020-01-01T00:00:00Z"),
            Some("2020-01-01T00:00:00Z"),
        ),
        (
            "2020-01-01T00:00:00.123456789987Z",
            Some("2020-01-01T00:00:00.123456789Z"),
            Some("2020-01-01T00:00:00Z"),
        ),
        (
            "2020-01-01T00:00:00.000Z",
            Some("2020-01-01T00:00:00Z"),
            Some("2020-01-01T00:00:00Z"),
        ),
        ("2020-01-01T00:00:00.Z", None, None),
        ("2020-01-01t00:00:00Z", None, None),
        ("2020-01-01T00:00:00z", None, None),
        ("2020-01-01 00:00:00Z", None, None),
        ("2020-01-01T00:00:00", None, None),
        ("2020-01-01", None, None),
        ("2020-01-01T24:00:00Z", None, None),
        ("2020-01-01T00:60:00Z", None, None),
        ("2020-01-01T00:00:60Z", None, None),
        ("2020-00-01T00:00:00Z", None, None),
        ("2020-13-01T00:00:00Z", None, None),
        ("2020-01-00T00:00:00Z", None, None),
        ("2020-04-31T00:00:00Z", None, None),
        ("1900-02-29T00:00:00Z", None, None),
        (
            "2000-02-29T00:00:00Z",
            Some("2000-02-29T00:00:00Z"),
            Some("2000-02-29T00:00:00Z"),
        ),
        (
            "0000-01-01T00:00:00+23:59",
            Some("0000-01-01T00:00:00+23:59"),
            Some("0000-01-01T00:00:00+23:59"),
        ),
        (
            "9999-12-31T23:59:59Z",
            Some("9999-12-31T23:59:59Z"),
            Some("9999-12-31T23:59:59Z"),
        ),
        ("2020-01-01T00:00:00+24:00", None, Some("2020-01-01T00:00:00+24:00")),
        (
            "2020-01-01T00:00:00+05:60",
            Some("2020-01-01T00:00:00+06:00"),
            Some("2020-01-01T00:00:00+06:00"),
        ),
        ("2020-01-01T00:00:00+25:00", None, None),
        ("2020-01-01T00:00:00+05:61", None, None),
        ("2020-01-01T00:00:00+0500", None, None),
        ("2020-01-01T00:00:00Zx", None, None),
        ("12020-01-01T00:00:00Z", None, None),
        ("2020-1-01T00:00:00Z", None, None),
        ("2020-01-01T00:0:00Z", None, None),
        ("", None, None),
    ];

    #[test]
    fn instants_are_read_and_written_as_go_does() {
        for (text, precise, seconds) in INSTANTS {
            assert_eq!(canonical(text).as_deref(), *precise, "{text}");
            assert_eq!(to_seconds(text).as_deref(), *seconds, "{text}");
        }
    }
}
