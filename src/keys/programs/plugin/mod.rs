//! Keys that an age plugin holds: programs called `age-plugin-…`, for security keys, TPMs and key services.
//!
//! The protocol is `identity-v1` of <https://c2sp.org/age-plugin>. A plugin is started once and gets all messages, so that a person is
//! asked for a PIN only once. It has a deadline, so that it cannot hold up a boot.

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

/// Asks the plugin once about all `messages`. Each message is the list of stanzas of one age header, and is not empty. Gives a file key or
/// a failure for each, in the same order. `timeout` is the time that the plugin has for all of them; the time that a person takes to answer
/// does not count.
///
/// A file key is only what the plugin says. Whether it is right shows when the MAC of the message's header is checked with it.
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
