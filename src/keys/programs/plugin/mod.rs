//! Asks age plugins for file keys. A plugin is a program called `age-plugin-…`, for a security key, a TPM or a key service.
//!
//! The protocol is `identity-v1` of <https://c2sp.org/age-plugin>. A plugin is started once and gets all messages, so that a
//! person has to type a PIN only once. A plugin has a deadline, so that a boot does not wait for the plugin forever.

mod asking;
mod conversation;
mod failure;
mod outcome;
mod program;
mod replies;
mod stanza;
mod terminal;
#[cfg(test)]
mod tests;

use std::{env, time::Duration};

use age_core::format::{FileKey, Stanza};
pub(crate) use asking::Asking;
pub(crate) use failure::PluginFailure;
use program::Program;
#[cfg(fuzzing)]
pub(crate) use replies::hear;

use crate::{keys::age::PluginIdentity, system::progress::Progress};

/// Asks the plugin once about all `messages`. Each message is the list of stanzas of one age header, and is not empty. Returns a
/// file key or a failure for each message, in the same order. `what` says what is waited for, if the plugin takes long. `timeout`
/// is the time of the plugin for all messages together. The time that a person takes to answer does not count. If
/// `hides_credentials`, the plugin does not get the variables that identify this host to key services.
///
/// A file key from a plugin is only a claim. The caller checks the MAC of the message's header with the file key.
pub(crate) fn unwrap(
    plugin: &str,
    what: String,
    identities: &[&PluginIdentity],
    messages: &[Vec<Stanza>],
    asking: &Asking,
    timeout: Duration,
    hides_credentials: bool,
) -> Vec<Result<FileKey, PluginFailure>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let progress = Progress::about(what);
    let program = Program::find(plugin, &path).hiding_credentials(hides_credentials);
    program.unwrap(identities, messages, asking, timeout, progress)
}
