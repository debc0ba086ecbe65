//! Stub.

pub mod plaintext;
pub mod sops;
