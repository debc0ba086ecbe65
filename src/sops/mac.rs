//! The MAC of a file: one hash over all its values, in their order.

use sha2::{Digest, Sha512};

use super::tree::ScalarType;

/// The bytes that sops hashes first if `mac_only_encrypted` is set: SHA-256 of `sops`. Because of these bytes, the MAC over
/// only the encrypted values always differs from the MAC over all values.
pub(crate) const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b, 0x3b, 0xf4,
    0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// The largest magnitude up to which a float holds every integer exactly: 2⁵³.
const LARGEST_EXACT: u64 = 1 << 53;

/// The MAC of a file while its values are hashed one by one.
pub(crate) struct Mac {
    /// Whether only encrypted values count for the MAC.
    only_encrypted: bool,
    /// The hash of all values, with integers as they are.
    exact: Sha512,
    /// The hash of all values, with large integers rounded to floats; `None` until the first large integer. Up to 3.13.1, sops read
    /// every JSON number as a float, and hashed the rounded number.
    rounded: Option<Sha512>,
    /// Whether the file is JSON. Older versions of sops rounded large integers in JSON files.
    rounds_integers: bool,
}

impl Mac {
    /// The MAC before the first value. `only_encrypted` says that values in the clear do not count. `rounds_integers` says that the
    /// file is JSON. Older versions of sops rounded large integers in JSON files.
    pub(crate) fn new(only_encrypted: bool, rounds_integers: bool) -> Self {
        let mut exact = Sha512::new();
        if only_encrypted {
            exact.update(ONLY_ENCRYPTED);
        }
        Self {
            only_encrypted,
            exact,
            rounded: None,
            rounds_integers,
        }
    }

    /// Hashes one value, given its text in canonical form. Callers leave out keys, comments and nulls, which never count for
    /// the MAC.
    pub(crate) fn update(&mut self, encrypted: bool, kind: ScalarType, canonical: &[u8]) {
        if self.only_encrypted && !encrypted {
            return;
        }
        // The plaintext of an encrypted value is exactly the text that sops hashed. Only an integer in the clear, in a JSON
        // file, may have been rounded.
        let rounded = if encrypted { None } else { self.rounded_form(kind, canonical) };
        if rounded.is_some() {
            self.rounded.get_or_insert_with(|| self.exact.clone());
        }
        if let Some(hash) = &mut self.rounded {
            hash.update(rounded.as_deref().unwrap_or(canonical));
        }
        self.exact.update(canonical);
    }

    /// Whether `stored` is the MAC of the values that were hashed. As in sops, the MAC must be in upper-case hexadecimal.
    pub(crate) fn matches(self, stored: &[u8]) -> bool {
        let is = |hash: Sha512| same(stored, hexadecimal(&hash.finalize()).as_bytes());
        is(self.exact) || self.rounded.is_some_and(is)
    }

    /// The text that sops up to 3.13.1 hashed for a large integer of a JSON file. `None` for every other value.
    fn rounded_form(&self, kind: ScalarType, canonical: &[u8]) -> Option<Vec<u8>> {
        if !self.rounds_integers || kind != ScalarType::Integer {
            return None;
        }
        let digits = std::str::from_utf8(canonical).ok()?;
        let number: i64 = digits.parse().ok()?;
        if number.unsigned_abs() <= LARGEST_EXACT {
            return None;
        }
        let float: f64 = digits.parse().ok()?;
        Some(super::number::positional(float).into_bytes())
    }
}

/// Whether two texts are equal. The comparison takes the same time wherever the first difference is. So nobody can find the first
/// difference by measuring the time.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(values: &[&[u8]]) -> Vec<u8> {
        let mut hash = Sha512::new();
        for value in values {
            hash.update(value);
        }
        hexadecimal(&hash.finalize()).into_bytes()
    }

    #[test]
    fn a_large_json_integer_counts_exact_or_rounded_but_not_changed() {
        let mac = || {
            let mut mac = Mac::new(false, true);
            mac.update(true, ScalarType::Text, b"before");
            mac.update(false, ScalarType::Integer, b"9007199254740993");
            mac.update(true, ScalarType::Text, b"after");
            mac
        };
        assert!(mac().matches(&hash(&[b"before", b"9007199254740993", b"after"])));
        assert!(mac().matches(&hash(&[b"before", b"9007199254740992", b"after"])));
        assert!(!mac().matches(&hash(&[b"before", b"9007199254740994", b"after"])));
    }

    #[test]
    fn a_lower_case_mac_does_not_match() {
        let mut mac = Mac::new(false, false);
        mac.update(true, ScalarType::Text, b"x");
        assert!(!mac.matches(&hash(&[b"x"]).to_ascii_lowercase()));
    }

    #[test]
    fn the_mark_of_encrypted_only_is_the_hash_of_sops() {
        assert_eq!(sha2::Sha256::digest(b"sops").as_slice(), ONLY_ENCRYPTED);
    }
}
