//! Says why a plugin gave no key.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use crate::system::child_error::ChildError;

/// The reason why a plugin gave no key for a message. `Display` names the program of the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginFailure {
    /// The file name of the plugin's program, such as `age-plugin-yubikey`.
    pub program: String,
    /// The reason why the plugin gave no key.
    pub fault: Fault,
    /// The variables of this process that the plugin did not get, because they identify this host to a key service.
    pub hidden: Vec<&'static str>,
}

/// The reason why a plugin gave no key. All texts are safe to print on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The search path has no program of the plugin's name.
    Missing,
    /// The program of the plugin could not be started, or did not end in time.
    Child(ChildError),
    /// The program of the plugin ended before the conversation was over. The values are its exit status, and the beginning of its
    /// standard error.
    Ended(ExitStatus, String),
    /// The plugin broke the protocol. The text says how.
    Broken(&'static str),
    /// The plugin asked this question, but nobody can be asked.
    Asked(String),
    /// The plugin asked this question, but the person gave no answer.
    Unanswered(String),
    /// The plugin reported an error. The text is the plugin's own.
    Said(String),
    /// The plugin gave neither a key nor an error: no identity of the plugin fits the message.
    NoFit,
}

impl PluginFailure {
    /// Whether the plugin works as it should, and merely has no key for the message.
    pub(crate) fn is_not_held(&self) -> bool {
        self.fault == Fault::NoFit
    }

    /// Whether the plugin may have failed because it lacks a variable.
    fn may_lack_a_variable(&self) -> bool {
        let is_of_another_kind = matches!(
            self.fault,
            Fault::Missing
                | Fault::Child(ChildError::Missing | ChildError::Stopped)
                | Fault::Asked(_)
                | Fault::Unanswered(_)
                | Fault::NoFit
        );
        !self.hidden.is_empty() && !is_of_another_kind
    }
}

impl fmt::Display for PluginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        match &self.fault {
            Fault::Missing => write!(f, "{program}: no such program in PATH; add its package to sops.age.plugins"),
            Fault::Child(error @ ChildError::Late(_)) => write!(f, "{program} gave {error}"),
            // The program itself was found before. So the missing file is the interpreter that the program names in its first
            // line.
            Fault::Child(ChildError::Missing) => {
                write!(
                    f,
                    "{program}: cannot be run: the interpreter in its first line does not exist"
                )
            }
            Fault::Child(error) => write!(f, "{program}: {error}"),
            Fault::Ended(status, stderr) => {
                write!(f, "{program} {} before it was done", ending(*status))?;
                if stderr.is_empty() { Ok(()) } else { write!(f, ": {stderr}") }
            }
            Fault::Broken(how) => write!(f, "{program} broke the plugin protocol: {how}"),
            Fault::Asked(question) => write!(
                f,
                "{program} asked \"{question}\", but nobody is here to answer; use a key without PIN or touch"
            ),
            Fault::Unanswered(question) => write!(f, "{program} asked \"{question}\" and got no answer"),
            Fault::Said(words) if words.is_empty() => write!(f, "{program} failed without a reason"),
            Fault::Said(words) => write!(f, "{program}: {words}"),
            Fault::NoFit => write!(f, "no identity of {program} fits"),
        }?;
        if self.may_lack_a_variable() {
            let hidden = self.hidden.join(" and ");
            write!(
                f,
                "; it did not get {hidden}: if it needs them, set sops.keyServices.hideCredentials to false"
            )?;
        }
        Ok(())
    }
}

impl From<ChildError> for Fault {
    fn from(error: ChildError) -> Self {
        Self::Child(error)
    }
}

/// How a process ended, as text: by a signal, or with an exit status.
fn ending(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("was killed by signal {signal}"),
        None => format!("ended with status {}", status.code().unwrap_or_default()),
    }
}
