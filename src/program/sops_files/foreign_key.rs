//! Words for a data key that is not the one of its file.

use std::collections::HashSet;

use crate::{program::remedy::RESTORE, text::diagnosis::Diagnosis};

/// The most reasons that a message tells why other entries of a file are not open.
const MOST_REASONS: usize = 3;

/// The message for a data key with which neither the MAC nor a value authenticates. `shares` are the key groups whose shares made the
/// key; empty if the key was not made of shares. `failures` say why other entries, one of which may have the right key, are not open. Few are told.
pub(crate) fn foreign_key(shares: &[String], failures: &[&str]) -> Diagnosis {
    let key = if shares.is_empty() {
        "the data key that this host finds is not the data key".to_owned()
    } else {
        format!("the shares of {} do not make the data key", shares.join(", "))
    };
    let mut cause = format!("{key} of this file: neither its MAC nor its values authenticate");
    if !failures.is_empty() {
        cause = format!("{cause}; other entries of the file did not open: {}", first(failures));
    }
    Diagnosis::new(cause, RESTORE)
}

/// The first of `reasons` in one text, each once, and how many more there are. Whoever changes a file chooses how many entries it has.
fn first(reasons: &[&str]) -> String {
    let mut known = HashSet::new();
    let mut distinct = reasons.iter().filter(|reason| known.insert(**reason));
    let told: Vec<_> = distinct.by_ref().take(MOST_REASONS).copied().collect();
    match distinct.count() {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}
