//! Times as YAML spells them.

/// The canonical form (RFC 3339 with its fraction up to nanoseconds and its offset) of a date, of a date and a time of day with a
/// zone behind `T` or `t`, or of both without a zone behind spaces. `None` if it is none of these.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    if !rest.starts_with('-') {
        return None;
    }
    let month = field(&mut rest, "-", 12)?;
    let day = field(&mut rest, "-", days(year, month))?;
    if month == 0 || day == 0 {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest_of_day = rest.trim_start_matches(' ');
    if !zoned && rest_of_day.len() == rest.len() {
        return None;
    }
    rest = if zoned { rest.get(1..)? } else { rest_of_day };
    let time = time_of_day(&mut rest)?;
    let zone = if zoned { zone(&mut rest)? } else { "Z".to_owned() };
    rest.is_empty().then(|| format!("{date}T{time}{zone}"))
}

/// Hour, minute, second, and maybe a fraction.
fn time_of_day(rest: &mut &str) -> Option<String> {
    let hour = field(rest, "", 23)?;
    let minute = field(rest, ":", 59)?;
    let second = field(rest, ":", 59)?;
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let Some(behind) = rest.strip_prefix(['.', ',']) else {
        return Some(time);
    };
    let length = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, behind) = behind.split_at_checked(length)?;
    if fraction.is_empty() {
        return None;
    }
    *rest = behind;
    let nanoseconds = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let point = if nanoseconds.is_empty() { "" } else { "." };
    Some(format!("{time}{point}{nanoseconds}"))
}

/// `Z`, or a sign with hours and minutes.
fn zone(rest: &mut &str) -> Option<String> {
    if let Some(behind) = rest.strip_prefix('Z') {
        *rest = behind;
        return Some("Z".to_owned());
    }
    let sign = rest.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    *rest = rest.get(1..)?;
    let hours = digits(rest, 2, 2).filter(|hours| *hours <= 24)?;
    *rest = rest.strip_prefix(':')?;
    let minutes = digits(rest, 2, 2).filter(|minutes| *minutes <= 60)?;
    let offset = hours * 60 + minutes;
    Some(match offset {
        0 => "Z".to_owned(),
        _ => format!("{sign}{:02}:{:02}", offset / 60, offset % 60),
    })
}

/// A number of one or two digits behind `separator`, at most `greatest`.
fn field(rest: &mut &str, separator: &str, greatest: u32) -> Option<u32> {
    *rest = rest.strip_prefix(separator)?;
    digits(rest, 1, 2).filter(|number| *number <= greatest)
}

/// A number of `least` to `most` digits.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    if length < least { None } else { number.parse().ok() }
}

/// How many days a month has.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
