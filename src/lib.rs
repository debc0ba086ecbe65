//! Stub.

pub mod keys;
pub mod plaintext;
pub mod sops;
