//! Reads post-quantum hybrid age identities (`AGE-SECRET-KEY-PQ-1…`), and opens stanzas of the type `mlkem768x25519` (C2SP,
//! `age.md`).

mod hpke;
mod identity;
mod kem;

pub(crate) use identity::{HybridIdentity, IDENTITY_PREFIX, STANZA_TYPE, by_its_ends, is_recipient};
