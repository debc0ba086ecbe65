//! The errors of this layer.

use thiserror::Error;

/// Why a text names no transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// There is no such transform.
    Unknown,
    /// A line of an htpasswd file cannot begin with this user name.
    User,
}

/// Why a value cannot be transformed. Nothing of the value is in it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TransformError {
    /// The value is not Base64.
    #[error("the value is not Base64, which transform decodes")]
    NotBase64,
    /// The value is empty.
    #[error("the value is empty, and a hash of it would let in whoever gives no password")]
    Empty,
    /// The value has a byte at which a password ends.
    #[error("the value has a NUL byte, at which a password ends")]
    Nul,
    /// The value has several lines.
    #[error("the value has more than one line, and a password is one line")]
    Lines,
    /// The value is longer than the hash counts.
    #[error("the value is longer than {most} bytes, the most that {hash} counts")]
    Long {
        /// How many bytes count.
        most: usize,
        /// The name of the hash.
        hash: &'static str,
    },
    /// The library refused, which it does for none of the values that it is given.
    #[error("the hash cannot be computed")]
    Library,
}
