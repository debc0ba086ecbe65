//! Stub.

pub mod changes;
pub mod install;
pub mod keys;
pub mod plaintext;
pub mod sops;
pub mod units;
pub mod users;
