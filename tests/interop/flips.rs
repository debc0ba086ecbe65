//! Encrypted files with one bit changed.

use regex::bytes::Regex;

use crate::random::Random;

/// What a flipped bit is part of.
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

/// The file with one bit of the named place flipped; none if the file has no such place.
pub fn flipped(file: &[u8], pattern: &str, random: &mut Random) -> Option<Vec<u8>> {
    let pattern = Regex::new(pattern).unwrap();
    let places: Vec<_> = pattern.captures_iter(file).filter_map(|found| found.get(1)).collect();
    let place = places.get(random.below(places.len()))?;
    let mut damaged = file.to_vec();
    damaged[place.start() + random.below(place.len())] ^= 1 << random.below(8);
    Some(damaged)
}
