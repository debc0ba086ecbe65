//! Stub.

pub mod install;
pub mod keys;
pub mod manifest;
pub mod plaintext;
pub mod sops;
