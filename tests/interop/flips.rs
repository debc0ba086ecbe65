//! Changes one bit of encrypted files.

use regex::bytes::Regex;

use crate::random::Random;

/// The places of a file in which bits are changed: a name, and a pattern for the text of the place.
pub const PLACES: &[(&str, &str)] = &[
    ("data", r"ENC\[AES256_GCM,data:([^,]+),iv:"),
    ("iv", r",iv:([^,]+),tag:"),
    ("tag", r",tag:([^,]+),type:"),
    ("mac", r#"mac["\s:=]+ENC\[AES256_GCM,data:([^,]+),iv:"#),
    ("lastmodified", r#"lastmodified["\s:=]+([-0-9T:Z]+)"#),
    (
        "rule",
        r#"(?:encrypted_suffix|encrypted_regex|encrypted_comment_regex)["\s:=]+([^"\n]+)"#,
    ),
    ("key name", r#"(?m)^[\s"-]*([A-Za-z0-9_]+)"?\s*[:=]\s*"?ENC\["#),
];

/// The file with one changed bit in the place that `pattern` finds. `None` if the file has no such place.
pub fn flipped(file: &[u8], pattern: &str, random: &mut Random) -> Option<Vec<u8>> {
    // The pattern is used without the Unicode tables, because this program is built without them.
    let pattern = Regex::new(&format!("(?-u){pattern}")).unwrap();
    let places: Vec<_> = pattern.captures_iter(file).filter_map(|found| found.get(1)).collect();
    let place = places.get(random.below(places.len()))?;
    let mut damaged = file.to_vec();
    damaged[place.start() + random.below(place.len())] ^= 1 << random.below(8);
    Some(damaged)
}

/// The line with the changed bit, before and after the change.
pub fn changed_line(before: &[u8], after: &[u8]) -> String {
    let line = |text: &[u8], at: usize| {
        let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        String::from_utf8_lossy(text[start..].split(|byte| *byte == b'\n').next().unwrap_or_default())
            .chars()
            .take(300)
            .collect::<String>()
    };
    let at = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    format!("{:?} became {:?}", line(before, at), line(after, at))
}
