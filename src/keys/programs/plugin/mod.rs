//! Keys that an age plugin holds: programs called `age-plugin-…`, for security keys, TPMs and key services.
//!
//! The protocol is `identity-v1` of <https://c2sp.org/age-plugin>. A plugin is started once and shown all messages, so that a person
//! is asked for a PIN once, and has a deadline, so that it cannot hold up a boot.

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

use crate::keys::age::PluginIdentity;

/// Asks the plugin once for all `messages`, each the stanzas of one age header and none empty. Gives a file key or a failure for each,
/// in order. `timeout` is the time that the plugin has for all of them; that of a person who answers does not count.
///
/// A file key is what the plugin says that it is: whether it fits is known when the message's MAC was checked with it.
pub(crate) fn unwrap(
    plugin: &str,
    identities: &[&PluginIdentity],
    messages: &[Vec<Stanza>],
    asking: &Asking,
    timeout: Duration,
) -> Vec<Result<FileKey, PluginFailure>> {
    let path = env::var_os("PATH").unwrap_or_default();
    Program::find(plugin, &path).unwrap(identities, messages, asking, timeout)
}
