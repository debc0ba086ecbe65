//! Holds the conversation with a running plugin. First our whole request is sent, then a reply to each stanza of the plugin.

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

/// Limit: one stanza of a plugin may have at most this many bytes (64 KiB). Every text for a person and every file key is shorter.
const MOST_STANZA: usize = 64 << 10;
/// The time that a plugin has after its last stanza to end, and to leave its device in a clean state. A boot does not wait
/// longer.
const FAREWELL: Duration = Duration::from_secs(2);

/// The conversation with one running plugin.
pub(crate) struct Conversation<'a> {
    child: Child,
    /// The number of bytes of the plugin's output that were already parsed.
    read: usize,
    replies: Replies<'a>,
}

impl<'a> Conversation<'a> {
    /// A conversation with the plugin `program`, which runs as `child`. `asking` says whether the plugin may ask a person.
    pub(crate) fn new(program: &'a str, child: Child, asking: &'a Asking) -> Self {
        Self {
            child,
            read: 0,
            replies: Replies::new(program, asking),
        }
    }

    /// Holds the whole conversation. Each file key and each failure is stored in `outcome` as soon as the plugin gives it. So the
    /// results are kept if the plugin fails later.
    ///
    /// # Errors
    ///
    /// The fault of the plugin if the conversation ends before the plugin says `done`.
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
                // The plugin has given all its results, so its exit status does not matter.
                let _ = self.child.finish();
                return Ok(());
            }
            let before = Instant::now();
            let reply = self.replies.reply(&command, outcome)?;
            // The time that a person takes to answer does not count as time of the plugin.
            self.child.forgive(before.elapsed());
            self.child.send(reply.expose())?;
        }
    }

    /// The next stanza of the plugin. Returns `None` if the plugin has closed its output.
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

    /// The fault of a plugin that closed its output before it said `done`.
    fn fell_silent(self) -> Fault {
        match self.child.finish() {
            Ok(end) => Fault::Ended(end.status, self.replies.words(end.stderr.as_bytes())),
            Err(error) => error.into(),
        }
    }
}

/// The whole request: first all identities, then the stanzas of all messages, then `done`.
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
