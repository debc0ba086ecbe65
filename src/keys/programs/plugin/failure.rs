//! Why a plugin gave no key.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use crate::system::child::ChildError;

/// Why a plugin gave no key for a message. `Display` names the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginFailure {
    /// The file name of the plugin's program.
    pub program: String,
    /// The reason.
    pub fault: Fault,
}

/// What went wrong with a plugin. All texts are fit for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no such program in the search path.
    Missing,
    /// It could not be run, or not to its end.
    Child(ChildError),
    /// It ended before the conversation did: its exit status, and the beginning of its standard error.
    Ended(ExitStatus, String),
    /// It broke the protocol. The text says how.
    Broken(&'static str),
    /// It asked this, and there is nobody who could answer.
    Asked(String),
    /// It asked this, and the person did not want to answer.
    Unanswered(String),
    /// It reported an error in these words.
    Said(String),
    /// It gave no key and no error: none of its identities fits the message.
    NoFit,
}

impl PluginFailure {
    /// Whether nothing is wrong with the plugin: the message is for another key.
    pub(crate) fn is_not_held(&self) -> bool {
        self.fault == Fault::NoFit
    }
}

impl fmt::Display for PluginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        match &self.fault {
            Fault::Missing => write!(f, "{program}: no such program in PATH; add its package to sops.age.plugins"),
            Fault::Child(error @ ChildError::Late(_)) => write!(f, "{program} gave {error}"),
            // The program itself was found before. So what is missing is the interpreter that the program names.
            Fault::Child(ChildError::Missing) => {
                write!(f, "{program}: cannot be run: the interpreter that it names is not there")
            }
            Fault::Child(error) => write!(f, "{program}: {error}"),
            Fault::Ended(status, stderr) => {
                write!(f, "{program} {} before it was done", ending(*status))?;
                if stderr.is_empty() { Ok(()) } else { write!(f, ": {stderr}") }
            }
            Fault::Broken(how) => write!(f, "{program} broke the plugin protocol: {how}"),
            Fault::Asked(question) => write!(
                f,
                "{program} asked \"{question}\", and nobody can be asked here; use a key without PIN or touch"
            ),
            Fault::Unanswered(question) => write!(f, "{program} asked \"{question}\" and got no answer"),
            Fault::Said(words) if words.is_empty() => write!(f, "{program} failed and does not say why"),
            Fault::Said(words) => write!(f, "{program}: {words}"),
            Fault::NoFit => write!(f, "no identity of {program} fits"),
        }
    }
}

impl From<ChildError> for Fault {
    fn from(error: ChildError) -> Self {
        Self::Child(error)
    }
}

/// How a process ended.
fn ending(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("was killed by signal {signal}"),
        None => format!("ended with status {}", status.code().unwrap_or_default()),
    }
}
