//! Says why one recipient entry of a file was not opened.

/// Why a message, which should hold a data key or a share of one, was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryFailure {
    /// The message is for none of the keys that were tried.
    NotOurs,
    /// The message is for none of the keys that were tried. Other keys were not tried, because the limit of tries was reached.
    NotTried,
    /// The message has more bytes or lines than a data key can need.
    TooLarge,
    /// The text is not an armored message, is cut off, or has invalid base64.
    BadArmor,
    /// The header of the message cannot be read.
    BadHeader,
    /// The message is well-formed, but of a kind that is not supported. The text names that kind.
    Unsupported(&'static str),
    /// The message names a key of this host or was opened with one, but its content was altered.
    Damaged,
    /// The content of the message does not have the length of a data key or a share.
    BadLength,
    /// Another program was asked, but has no key for the message. The text is a sentence of ours for the report.
    NotHeldByProgram(String),
    /// Another program was asked but failed. The text is a sentence of ours, which may quote the program.
    ProgramFailed(String),
    /// The time was over before the message could be tried. The text is a sentence of ours, which says who used up the time.
    OutOfTime(&'static str),
}

impl EntryFailure {
    /// Returns the failure to report. If some keys were not tried, one of them may fit, so [`Self::NotOurs`] becomes
    /// [`Self::NotTried`].
    pub(crate) fn unless_untried(self, is_untried: bool) -> Self {
        match self {
            Self::NotOurs if is_untried => Self::NotTried,
            known => known,
        }
    }
}
