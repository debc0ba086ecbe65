//! A command that prints a key, as `SOPS_AGE_KEY_CMD` and `SOPS_AGE_SSH_PRIVATE_KEY_CMD` name one.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    process::Command,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::notice::{Cause, Place};
use crate::{
    child::{Child, ChildError},
    plaintext::Plaintext,
};

/// The variable in which a command finds the recipient that a key is wanted for; sops sets it too.
const RECIPIENT: &str = "SOPS_AGE_RECIPIENT";

/// A command that prints a key.
pub(super) struct KeyCommand {
    /// The variable that named it.
    variable: &'static str,
    words: Vec<OsString>,
    pub prints: Prints,
    /// The recipients that it was run for.
    asked: HashSet<String>,
    /// Digests of what it printed: it may print the same for every recipient.
    printed: HashSet<[u8; 32]>,
    /// Whether it is of no use any more: it is not there, or it hung once.
    is_given_up: bool,
}

/// What a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prints {
    /// Age identities.
    Identities,
    /// An SSH private key.
    SshKey,
}

impl KeyCommand {
    /// Splits `text` as a shell does, with quotes and backslashes, and nothing else of a shell.
    pub fn parse(variable: &'static str, text: &OsStr, prints: Prints) -> Result<Self, Cause> {
        let words = shlex::bytes::split(text.as_bytes()).filter(|words| !words.is_empty());
        Ok(Self {
            variable,
            words: words.ok_or(Cause::NoCommand)?.into_iter().map(OsString::from_vec).collect(),
            prints,
            asked: HashSet::new(),
            printed: HashSet::new(),
            is_given_up: false,
        })
    }

    /// Where its keys come from.
    pub fn place(&self) -> Place {
        Place::Variable(self.variable)
    }

    /// Runs it for `recipient`. Nothing when that gives nothing new: it was before, or is of no use, or prints the same again.
    pub fn run(&mut self, recipient: &str, patience: Duration) -> Option<Result<Plaintext, Cause>> {
        if self.is_given_up || !self.asked.insert(recipient.to_owned()) {
            return None;
        }
        let answer = self.answer(recipient, patience);
        self.is_given_up = matches!(answer, Err(Cause::Command(_)));
        match answer {
            Ok(text) if !self.printed.insert(Sha256::digest(text.expose()).into()) => None,
            answer => Some(answer),
        }
    }

    fn answer(&self, recipient: &str, patience: Duration) -> Result<Plaintext, Cause> {
        let (program, arguments) = self.words.split_first().ok_or(Cause::NoCommand)?;
        let mut command = Command::new(program);
        command.args(arguments).env(RECIPIENT, recipient.replace('\0', ""));
        let child = Child::start(&mut command, patience).map_err(Cause::Command)?;
        let finished = child.finish().map_err(Cause::Command)?;
        if finished.status.success() {
            Ok(finished.output)
        } else {
            Err(Cause::CommandFailed(finished.status.to_string()))
        }
    }
}

impl From<ChildError> for Cause {
    fn from(error: ChildError) -> Self {
        Self::Command(error)
    }
}
