//! Combines shares of a data key, of which some are wrong. If the first shares of all groups are right, and there are enough
//! groups, the data key is found. With too few right shares, it is never found.
//!
//! The first byte of the input is the number of groups that are needed. The second byte is the number of all groups. In the rest,
//! each two bytes are an entry: they choose the group of the entry, and whether its share is right, altered, of another length, or
//! of another number.
#![no_main]

use std::{collections::HashMap, sync::LazyLock};

use sha2::{Digest as _, Sha512};
use sops_install_secrets::{
    fuzzing::shared_key,
    sops::{SopsFile, format::Format, proof::KeyProof},
};
use sops_install_secrets_fuzz::{sealing, timed_fuzz_target};

/// A file that is sealed with the known data key.
static FILE: LazyLock<String> = LazyLock::new(|| {
    serde_json::json!({"sops": {
        "age": [{"recipient": "age1x", "enc": "x"}], "lastmodified": "2026-01-02T03:04:05Z",
        "mac": String::from_utf8_lossy(&sealing::mac([])),
    }})
    .to_string()
});

timed_fuzz_target!(|input: &[u8]| {
    let [needed, count, entries @ ..] = input else { return };
    let count = usize::from(*count).max(2);
    let threshold = usize::from(*needed).clamp(2, count);
    let mut groups = vec![Vec::new(); count];
    let mut shares = HashMap::new();
    let mut has_right = vec![false; count];
    let mut are_first_right = true;
    for entry in entries.chunks_exact(2).take(1000) {
        let group = usize::from(entry[0]) % count;
        let share = shares.entry(group).or_insert_with(|| share(group, threshold));
        let (part, is_right) = part(share, entry[1]);
        has_right[group] |= is_right;
        are_first_right &= is_right || !groups[group].is_empty();
        groups[group].push(part);
    }
    let found = shared_key(&groups, threshold, proof());
    if let Some(key) = &found {
        assert_eq!(key.expose(), sealing::data_key().expose());
    }
    let right = has_right.iter().filter(|is_right| **is_right).count();
    assert!(
        found.is_some() || !are_first_right || right < threshold,
        "{right} of {threshold} in {groups:?}"
    );
    assert!(found.is_none() || right >= threshold, "{right} of {threshold} in {groups:?}");
});

fn proof() -> KeyProof {
    let file = SopsFile::parse(Format::Json, FILE.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    file.metadata().proof()
}

/// The content of an entry in a group whose share is `right`, and whether this content is right. A wrong share is altered in all
/// bytes, so that no two alterations cancel each other.
fn part(right: &[u8], choice: u8) -> (Vec<u8>, bool) {
    if choice % 4 < 2 {
        return (right.to_vec(), true);
    }
    let alteration = Sha512::digest([b"altered", right, &[choice]].concat());
    let mut part: Vec<u8> = right.iter().zip(alteration).map(|(a, b)| a ^ b).take(32).collect();
    match choice {
        ..64 => part.truncate(24),
        64..128 => part.push(choice),
        _ => part.push(right[32]),
    }
    // The share of a shorter secret also ends with a number.
    if part.len() == 24 {
        part.push(right[32]);
    }
    (part, false)
}

/// The share of a group. Each byte of the data key is the constant term of a polynomial of its own.
fn share(group: usize, threshold: usize) -> Vec<u8> {
    let number = u8::try_from(group + 1).unwrap_or(u8::MAX);
    let mut share = vec![0; 32];
    for power in (1..threshold).rev() {
        let coefficients = Sha512::digest(power.to_be_bytes());
        for (sum, coefficient) in share.iter_mut().zip(coefficients) {
            *sum = product(*sum ^ coefficient, number);
        }
    }
    for (sum, byte) in share.iter_mut().zip(sealing::data_key().expose()) {
        *sum ^= byte;
    }
    share.push(number);
    share
}

/// The product in the field of AES, calculated step by step.
fn product(mut a: u8, mut b: u8) -> u8 {
    let mut sum = 0;
    while b > 0 {
        if b % 2 == 1 {
            sum ^= a;
        }
        a = if a >= 128 { (a << 1) ^ 0x1b } else { a << 1 };
        b >>= 1;
    }
    sum
}
