//! The defect of a damaged SSH private key.

use std::fmt;

/// The defect of an SSH private key. OpenSSH refuses keys with any of these defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The last line, `-----END …-----`, is missing.
    NoEnd,
    /// The text of the key is not valid base64.
    Base64,
    /// The data end in the middle of a field.
    CutOff,
    /// A field of the key has a wrong form.
    Form,
    /// The container of the key does not hold exactly one key.
    SeveralKeys,
    /// Other data follow the key, or the length of the private part is not a multiple of the block size.
    Length,
    /// The two check numbers of the private part differ, though they must be equal.
    CheckNumbers,
    /// The bytes of the padding are not 1, 2, 3 and so on.
    Padding,
    /// The public half belongs to another private key.
    PublicHalf,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEnd => "its last line, -----END …-----, is missing",
            Self::Base64 => "its text is not valid base64",
            Self::CutOff => "its end is missing",
            Self::Form => "its content does not have the form of a key",
            Self::SeveralKeys => "it does not contain exactly one key",
            Self::Length => "its length is wrong",
            Self::CheckNumbers => "its two check numbers differ",
            Self::Padding => "its padding is wrong",
            Self::PublicHalf => "its public half belongs to another key",
        })
    }
}
