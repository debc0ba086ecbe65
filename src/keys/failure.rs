//! Why one way into a file stayed closed.

/// Why a message that holds a data key, or a share of one, stays closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is for no key of this host.
    NotOurs,
    /// It is for no key of this host that was tried, and more could not be tried.
    NotTried,
    /// More bytes or lines than a data key can need.
    TooLarge,
    /// Not an armored message, or cut off, or its base64 is wrong.
    BadArmor,
    /// The header of the message cannot be read.
    BadHeader,
    /// It is well-formed, and of this kind, which is not supported.
    Unsupported(&'static str),
    /// It names a key of this host, or was opened by it, and what follows is not what was written.
    Damaged,
    /// The message holds something that no data key is as long as.
    BadLength,
    /// A program that was asked has no key for it, in our words.
    NotHeldByProgram(String),
    /// A program that was asked failed, in its own words or ours.
    ProgramFailed(String),
}

impl Failure {
    /// That no key fits is known only where each was tried.
    pub(crate) fn unless_untried(self, is_untried: bool) -> Self {
        match self {
            Self::NotOurs if is_untried => Self::NotTried,
            known => known,
        }
    }
}
