//! The conversation with a running plugin: first our whole request, then replies to all that the plugin says.

use std::time::{Duration, Instant};

use age_core::format::Stanza;

use super::{
    asking::Asking,
    failure::Fault,
    outcome::PluginOutcome,
    replies::Replies,
    stanza::{self, Command},
};
use crate::{
    keys::age::PluginIdentity,
    system::{child::Child, plaintext::Plaintext},
};

/// The most bytes of one stanza: 64 KiB. No text for a person and no file key is longer.
const MOST_STANZA: usize = 64 << 10;
/// The time that a plugin has after its last stanza, to leave its device in order. A boot does not wait longer.
const FAREWELL: Duration = Duration::from_secs(2);

/// A conversation with a running plugin.
pub(crate) struct Conversation<'a> {
    child: Child,
    /// How many bytes of the child's output have been parsed.
    read: usize,
    replies: Replies<'a>,
}

impl<'a> Conversation<'a> {
    /// With `program`, which runs as `child`.
    pub(crate) fn new(program: &'a str, child: Child, asking: &'a Asking) -> Self {
        Self {
            child,
            read: 0,
            replies: Replies::new(program, asking),
        }
    }

    /// Holds the whole conversation. File keys and failures go to `outcome` as they come, so they are there even if the plugin fails later.
    pub(crate) fn hold(
        mut self,
        identities: &[&PluginIdentity],
        messages: &[Vec<Stanza>],
        outcome: &mut PluginOutcome,
    ) -> Result<(), Fault> {
        self.child.send(request(identities, messages).expose())?;
        loop {
            let Some(command) = self.receive()? else {
                return Err(self.fell_silent());
            };
            if command.name == "done" {
                self.child.hurry(FAREWELL);
                // The plugin has given all its results. How it ends does not change them.
                let _ = self.child.finish();
                return Ok(());
            }
            let before = Instant::now();
            let reply = self.replies.reply(&command, outcome)?;
            // The time that a person takes to answer does not count for the plugin.
            self.child.forgive(before.elapsed());
            self.child.send(reply.expose())?;
        }
    }

    /// The next stanza. `None` if the plugin has closed its output.
    fn receive(&mut self) -> Result<Option<Command>, Fault> {
        loop {
            let pending = self.child.output().get(self.read..).unwrap_or_default();
            let next = stanza::read(pending).map_err(|stanza::Malformed| Fault::Broken("what it says is no stanza"))?;
            if let Some((command, length)) = next {
                self.read += length;
                return Ok(Some(command));
            }
            if pending.len() > MOST_STANZA {
                return Err(Fault::Broken("an endless stanza"));
            }
            if !self.child.receive()? {
                return Ok(None);
            }
        }
    }

    /// The fault of a plugin that closed its output before `done`.
    fn fell_silent(self) -> Fault {
        match self.child.finish() {
            Ok(end) => Fault::Ended(end.status, self.replies.words(end.stderr.as_bytes())),
            Err(error) => error.into(),
        }
    }
}

/// The request: all identities, then the stanzas of all messages, then `done`. It is sent at once.
fn request(identities: &[&PluginIdentity], messages: &[Vec<Stanza>]) -> Plaintext {
    let mut text = Plaintext::default();
    for identity in identities {
        stanza::write(&mut text, [b"add-identity", identity.expose()], b"");
    }
    for (index, message) in messages.iter().enumerate() {
        for stanza in message {
            let index = index.to_string();
            let head = [b"recipient-stanza", index.as_bytes(), stanza.tag.as_bytes()];
            let arguments = stanza.args.iter().map(String::as_bytes);
            stanza::write(&mut text, head.into_iter().chain(arguments), &stanza.body);
        }
    }
    stanza::write(&mut text, [b"done".as_slice()], b"");
    text
}
