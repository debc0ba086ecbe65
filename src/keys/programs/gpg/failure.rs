//! Why gpg did not open a message.

use std::{fmt, path::PathBuf};

use crate::{keys::failure::EntryFailure, system::child::ChildError, text::printable::printable};

/// Why gpg did not open a message. `Display` gives cause and remedy for a line of the failure report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GpgFailure {
    /// The program gave no answer.
    Child(PathBuf, ChildError),
    /// The GnuPG home cannot be used: its path, and the reason.
    Home(PathBuf, String),
    /// No agent serves the home, and none can be started.
    NoAgent(String),
    /// No key of the home opens the message.
    NoSecretKey,
    /// A passphrase, a PIN or a smart card is needed, and nobody can be asked for it. gpg reports the three cases in the same way: if a
    /// card is not there, gpg-agent first asks for it.
    NobodyAsked,
    /// A passphrase or PIN was asked for, and not given.
    NotGiven,
    /// The passphrase or PIN that was given is wrong.
    BadPassphrase,
    /// The key is on a smart card that is not there.
    NoCard,
    /// The key is on a smart card, and the program that talks to cards is not installed.
    NoCardDaemon,
    /// The card refuses further attempts.
    CardBlocked,
    /// What is there is not an encrypted OpenPGP message.
    NotAMessage,
    /// The message is encrypted with a passphrase instead of a key.
    Symmetric,
    /// Anybody could have changed the message unnoticed: it has no modification detection code (RFC 4880, 5.14).
    NotAuthenticated,
    /// A key fits, and the content was altered or cut off.
    Damaged,
    /// The message holds this many bytes, which are no data key.
    Length(usize),
    /// Something else, in gpg's words.
    Other(String),
}

impl GpgFailure {
    /// A failure that the status lines do not explain. Its text is the last line of what gpg tells people.
    pub(crate) fn other(stderr: &str) -> Self {
        Self::Other(last_words(stderr))
    }

    /// Whether gpg would fail on every other message too. It is then not asked again in this run.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Child(..) | Self::Home(..) | Self::NoAgent(_))
    }
}

/// The last line that is for people, without the name of the program.
pub(crate) fn last_words(stderr: &str) -> String {
    let mut lines = stderr
        .lines()
        .filter(|line| !line.starts_with('[') && !line.trim().is_empty());
    let line = lines.next_back().unwrap_or("no reason given");
    let words = line
        .split_once(": ")
        .filter(|(name, _)| name.starts_with("gpg"))
        .map_or(line, |(_, words)| words);
    printable(words)
}

impl fmt::Display for GpgFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Child(program, ChildError::Missing) => {
                let place = if program.components().count() > 1 { "" } else { " in PATH" };
                let program = program.display();
                return write!(
                    f,
                    "{program}: no such program{place}; set sops.gnupg.package or SOPS_GPG_EXEC"
                );
            }
            Self::Child(program, error) => return write!(f, "{}: {error}", program.display()),
            Self::Home(path, reason) => return write!(f, "cannot use the GnuPG home {}: {reason}", path.display()),
            Self::NoAgent(reason) => return write!(f, "gpg-agent cannot be started: {reason}"),
            Self::Length(length) => return write!(f, "damaged: what it holds, {length} bytes, is no data key"),
            Self::Other(words) => return write!(f, "gpg failed: {words}"),
            Self::NoSecretKey => "gpg has no secret key for it",
            Self::NobodyAsked => {
                "gpg asks for a passphrase, a PIN or a smart card, and nobody can be asked here; use a key that needs none of them"
            }
            Self::NotGiven => "the passphrase was not given",
            Self::BadPassphrase => "the passphrase is wrong",
            Self::NoCard => "gpg finds no smart card",
            Self::NoCardDaemon => "gpg finds no smart card: scdaemon is not installed",
            Self::CardBlocked => "the smart card is blocked after too many wrong PINs",
            Self::NotAMessage => "damaged: not an encrypted OpenPGP message",
            Self::Symmetric => "encrypted with a passphrase, not to a key",
            Self::NotAuthenticated => "refused: a message without integrity protection could have been altered",
            Self::Damaged => "damaged: a key fits, but the content was altered",
        })
    }
}

impl From<GpgFailure> for EntryFailure {
    fn from(failure: GpgFailure) -> Self {
        match failure {
            GpgFailure::NoSecretKey => Self::NotHeldByProgram(failure.to_string()),
            failure => Self::ProgramFailed(failure.to_string()),
        }
    }
}
