//! Why one recipient entry of a file was not opened.

/// Why a message that should hold a data key, or a share of one, was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryFailure {
    /// It is for no key of this host.
    NotOurs,
    /// The message is for none of the keys that were tried, and the limit of tries left out others.
    NotTried,
    /// More bytes or lines than a data key can need.
    TooLarge,
    /// Not an armored message, or cut off, or its base64 is wrong.
    BadArmor,
    /// The header of the message cannot be read.
    BadHeader,
    /// The message is well-formed, and of a kind that is not supported. The text names the kind.
    Unsupported(&'static str),
    /// The message names a key of this host, or was opened by it, and its content is not what was written.
    Damaged,
    /// The content of the message is not as long as a data key or a share.
    BadLength,
    /// A program was asked, and has no key for the message. The text is one of ours.
    NotHeldByProgram(String),
    /// A program was asked, and failed. The text is its own message or one of ours.
    ProgramFailed(String),
}

impl EntryFailure {
    /// This failure; but [`Self::NotTried`] instead of [`Self::NotOurs`] if some keys were not tried, since one of them may fit.
    pub(crate) fn unless_untried(self, is_untried: bool) -> Self {
        match self {
            Self::NotOurs if is_untried => Self::NotTried,
            known => known,
        }
    }
}
