//! Transforms the value of a secret into what a program wants to read: decodes it, or hashes it as a password.
//!
//! A hash is the same in each run, as long as the value and the data key of its file are: [`SaltKey`] says how.

mod base64;
mod crypt;
mod error;
mod htpasswd;
mod kind;
mod password;
mod salt;
#[cfg(test)]
mod tests;

pub use error::{NameError, TransformError};
pub use kind::Transform;
pub use salt::{SaltKey, Salts};
