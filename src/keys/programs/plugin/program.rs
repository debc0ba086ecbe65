//! Finds and runs the program of a plugin.

use std::{ffi::OsStr, path::PathBuf, process::Command, time::Duration};

use age_core::format::{FileKey, Stanza};

use super::{
    asking::Asking,
    conversation::Conversation,
    failure::{Fault, PluginFailure},
    outcome::PluginOutcome,
};
use crate::{
    keys::{age::PluginIdentity, programs::program},
    system::{child::Child, child_environment, progress::Progress},
};

/// The program of a plugin: its file name, and its path. The path is `None` if the program was not found.
pub(crate) struct Program {
    name: String,
    path: Option<PathBuf>,
    /// Whether the program does not get what identifies this host to key services.
    hides_credentials: bool,
}

impl Program {
    /// Looks for the program of the plugin `plugin` in the directories of `search_path`.
    pub(crate) fn find(plugin: &str, search_path: &OsStr) -> Self {
        let name = format!("age-plugin-{plugin}");
        let path = program::find(OsStr::new(&name), search_path);
        Self {
            name,
            path,
            hides_credentials: false,
        }
    }

    /// The same program, which does not get what identifies this host to key services if `hides`.
    pub(crate) fn hiding_credentials(self, hides: bool) -> Self {
        Self {
            hides_credentials: hides,
            ..self
        }
    }

    /// Runs the plugin once for all messages; see [`super::unwrap`].
    pub(crate) fn unwrap(
        &self,
        identities: &[&PluginIdentity],
        messages: &[Vec<Stanza>],
        asking: &Asking,
        timeout: Duration,
        progress: Progress,
    ) -> Vec<Result<FileKey, PluginFailure>> {
        let mut outcome = PluginOutcome::new(messages.len());
        let end = self.start(timeout, progress).and_then(|child| {
            let conversation = Conversation::new(&self.name, child, asking);
            conversation.hold(identities, messages, &mut outcome)
        });
        let mut results = outcome.results(&self.name, end);
        for failure in results.iter_mut().filter_map(|result| result.as_mut().err()) {
            failure.hidden = self.hidden();
        }
        results
    }

    /// Starts the program of the plugin in the directory `/`. A plugin must not depend on the directory in which it is started.
    fn start(&self, timeout: Duration, progress: Progress) -> Result<Child, Fault> {
        let mut command = Command::new(self.path.as_ref().ok_or(Fault::Missing)?);
        command.arg("--age-plugin=identity-v1").current_dir("/");
        Ok(if self.hides_credentials {
            Child::start(&mut command, timeout, progress)?
        } else {
            Child::start_with_credentials(&mut command, timeout, progress)?
        })
    }

    /// The variables that the program does not get.
    fn hidden(&self) -> Vec<&'static str> {
        if self.hides_credentials {
            child_environment::hidden_credentials()
        } else {
            Vec::new()
        }
    }
}
