//! Reads times as YAML spells them.

use std::fmt::Write;

use zeroize::Zeroizing;

/// The length of the longest canonical form, in bytes. A buffer of this capacity never moves, so no copy of a secret stays in
/// memory.
const LONGEST: usize = "2001-12-14T21:59:43.123456789+05:00".len();

/// The canonical form of a time: RFC 3339 with a fraction of up to nanoseconds and an offset. Returns `None` if the text has
/// none of these forms:
///
/// - a date alone;
/// - a date, `T` or `t`, a time of day, and a zone;
/// - a date, spaces, and a time of day without a zone.
pub(crate) fn canonical(text: &str) -> Option<Zeroizing<String>> {
    let mut rest = text;
    let mut time = Zeroizing::new(String::with_capacity(LONGEST));
    date(&mut rest, &mut time)?;
    if rest.is_empty() {
        time.push_str("T00:00:00Z");
        return Some(time);
    }
    time.push('T');
    if let Some(behind) = rest.strip_prefix(['T', 't']) {
        rest = behind;
        time_of_day(&mut rest, &mut time)?;
        zone(&mut rest, &mut time)?;
    } else {
        rest = rest.strip_prefix(' ')?.trim_start_matches(' ');
        time_of_day(&mut rest, &mut time)?;
        time.push('Z');
    }
    rest.is_empty().then_some(time)
}

/// Reads year, month and day from the start of `rest`, and writes them to `out`.
fn date(rest: &mut &str, out: &mut String) -> Option<()> {
    let year = digits(rest, 4, 4)?;
    let month = field(rest, "-", 12).filter(|month| *month > 0)?;
    let day = field(rest, "-", days(year, month)).filter(|day| *day > 0)?;
    write!(out, "{year:04}-{month:02}-{day:02}").ok()
}

/// Reads hour, minute, second and an optional fraction from the start of `rest`, and writes them to `out`.
fn time_of_day(rest: &mut &str, out: &mut String) -> Option<()> {
    let hour = field(rest, "", 23)?;
    let minute = field(rest, ":", 59)?;
    let second = field(rest, ":", 59)?;
    write!(out, "{hour:02}:{minute:02}:{second:02}").ok()?;
    let Some(behind) = rest.strip_prefix(['.', ',']) else {
        return Some(());
    };
    let length = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, behind) = behind.split_at_checked(length)?;
    if fraction.is_empty() {
        return None;
    }
    *rest = behind;
    let nanoseconds = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let point = if nanoseconds.is_empty() { "" } else { "." };
    write!(out, "{point}{nanoseconds}").ok()
}

/// Reads a zone from the start of `rest`, and writes it to `out`. A zone is `Z`, or a sign with hours and minutes.
fn zone(rest: &mut &str, out: &mut String) -> Option<()> {
    if let Some(behind) = rest.strip_prefix('Z') {
        *rest = behind;
        out.push('Z');
        return Some(());
    }
    let sign = if rest.starts_with('-') { '-' } else { '+' };
    *rest = rest.strip_prefix(['+', '-'])?;
    let hours = digits(rest, 2, 2).filter(|hours| *hours <= 24)?;
    *rest = rest.strip_prefix(':')?;
    let minutes = digits(rest, 2, 2).filter(|minutes| *minutes <= 60)?;
    match hours * 60 + minutes {
        0 => out.push('Z'),
        offset => write!(out, "{sign}{:02}:{:02}", offset / 60, offset % 60).ok()?,
    }
    Some(())
}

/// Reads a number of one or two digits behind `separator`. Returns `None` if the number is above `greatest`.
fn field(rest: &mut &str, separator: &str, greatest: u32) -> Option<u32> {
    *rest = rest.strip_prefix(separator)?;
    digits(rest, 1, 2).filter(|number| *number <= greatest)
}

/// Reads a number of `least` to `most` digits from the start of `rest`.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    if length < least { None } else { number.parse().ok() }
}

/// The number of days in a month.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
