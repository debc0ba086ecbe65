//! Runs key commands, which print a key. The variables `SOPS_AGE_KEY_CMD` and `SOPS_AGE_SSH_PRIVATE_KEY_CMD` hold one command
//! each.

use std::{
    collections::HashSet,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    process::Command,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::program;
use crate::{
    keys::{place::Place, problem::Cause},
    system::{child::Child, child_error::ChildError, plaintext::Plaintext, progress::Progress},
    text::printable::printable,
};

/// The variable that tells a key command the recipient for which a key is needed. sops sets the same variable.
const RECIPIENT: &str = "SOPS_AGE_RECIPIENT";

/// A key command: a command that prints a key.
pub(crate) struct KeyCommand {
    /// The name of the environment variable that holds the command.
    variable: &'static str,
    words: Vec<OsString>,
    pub prints: Prints,
    /// The recipients for which the command was already run.
    asked: HashSet<String>,
    /// SHA-256 digests of the outputs of the command. An output that is already known is ignored, since a command may print the
    /// same key for every recipient.
    printed: HashSet<[u8; 32]>,
    /// Whether the command is not run again, because an earlier run could not be started or did not end by itself.
    is_given_up: bool,
}

/// The kind of key that a key command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prints {
    /// The command prints age identities.
    Identities,
    /// The command prints an SSH private key.
    SshKey,
}

impl KeyCommand {
    /// Splits the command line `text` into words, with the quotes and backslashes of a shell. Other features of a shell are not
    /// supported.
    ///
    /// # Errors
    ///
    /// [`Cause::NoCommand`] if the line is empty or ends within quotes.
    pub(crate) fn parse(variable: &'static str, text: &OsStr, prints: Prints) -> Result<Self, Cause> {
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

    /// The key source of the keys that the command prints.
    pub(crate) fn place(&self) -> Place {
        Place::Variable(self.variable)
    }

    /// Runs the command for `recipient` and returns its output.
    ///
    /// Returns `None` if no new key can come: the command was already run for this recipient, is given up, or prints the same as
    /// before.
    pub(crate) fn run(&mut self, recipient: &str, timeout: Duration) -> Option<Result<Plaintext, Cause>> {
        if self.is_given_up || !self.asked.insert(recipient.to_owned()) {
            return None;
        }
        let answer = self.answer(recipient, timeout, &env::var_os("PATH").unwrap_or_default());
        self.is_given_up = matches!(answer, Err(Cause::Command(..)));
        match answer {
            Ok(text) if !self.printed.insert(Sha256::digest(text.expose()).into()) => None,
            answer => Some(answer),
        }
    }

    /// Runs the command and returns its output. If the name of its program has no slash, the program is looked for in
    /// `search_path`.
    fn answer(&self, recipient: &str, timeout: Duration, search_path: &OsStr) -> Result<Plaintext, Cause> {
        let (program, arguments) = self.words.split_first().ok_or(Cause::NoCommand)?;
        let name = || printable(&program.to_string_lossy());
        let unfinished = |error| Cause::Command(name(), error);
        let path = program::find(program, search_path).ok_or_else(|| unfinished(ChildError::Missing))?;
        let mut command = Command::new(path);
        // The recipient comes from a sops file and may contain zero bytes. An environment variable cannot hold zero bytes, so
        // they are left out.
        command.args(arguments).env(RECIPIENT, recipient.replace('\0', ""));
        let progress = Progress::about(format!("the command in {}", self.variable));
        let child = Child::start_with_credentials(&mut command, timeout, progress).map_err(unfinished)?;
        let finished = child.finish().map_err(unfinished)?;
        if finished.status.success() {
            Ok(finished.output)
        } else {
            Err(Cause::CommandFailed(name(), finished.status.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_an_empty_or_relative_part_of_the_search_path_is_not_run() {
        // Tests run in the directory of the package.
        let directory = tempfile::tempdir_in(".").unwrap();
        let relative = directory.path().file_name().unwrap();
        std::os::unix::fs::symlink("/bin/echo", directory.path().join("key-command-of-test")).unwrap();
        let command = KeyCommand::parse("SOPS_AGE_KEY_CMD", OsStr::new("key-command-of-test x"), Prints::Identities);
        let answer = |search_path| {
            let answer = command.as_ref().unwrap().answer("", Duration::from_secs(20), search_path);
            answer.map(|text| text.expose().to_vec()).map_err(|cause| cause.to_string())
        };
        let missing = Err("key-command-of-test: no such program".to_owned());
        assert_eq!(answer(relative), missing);
        assert_eq!(
            answer(directory.path().canonicalize().unwrap().as_os_str()),
            Ok(b"x\n".to_vec())
        );
    }
}
