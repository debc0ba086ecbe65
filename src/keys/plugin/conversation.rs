//! The conversation with a running plugin: all that we want, then whatever it has to say.

use std::time::{Duration, Instant};

use age_core::format::Stanza;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::asking::{Answer, Asking, Question};
use super::failure::Fault;
use super::identity::PluginIdentity;
use super::outcome::Outcome;
use super::stanza::{self, Command};
use crate::child::Child;
use crate::keys::lock::printable;
use crate::plaintext::Plaintext;

/// The most bytes of one stanza: 64 KiB. What is longer is no word to a person and no key.
const MOST_STANZA: usize = 64 << 10;
/// The most messages that a plugin can show.
const MOST_SHOWN: usize = 32;
/// What a plugin has left when all is said, to put its device in order. A boot does not wait longer.
const FAREWELL: Duration = Duration::from_secs(2);

/// A conversation with a running plugin.
pub(super) struct Conversation<'a> {
    program: &'a str,
    child: Child,
    /// How much of the child's output has been dealt with.
    read: usize,
    asking: &'a Asking,
    /// What the plugin was told in confidence.
    secrets: Vec<Plaintext>,
    /// There was no answer to a question, and no other is asked.
    is_refused: bool,
    shown: usize,
}

impl<'a> Conversation<'a> {
    /// With `program`, which runs as `child`.
    pub fn new(program: &'a str, child: Child, asking: &'a Asking) -> Self {
        Self {
            program,
            child,
            read: 0,
            asking,
            secrets: Vec::new(),
            is_refused: false,
            shown: 0,
        }
    }

    /// From the beginning to the end. What the plugin gives is in `outcome`, also when it fails later.
    pub fn hold(mut self, identities: &[&PluginIdentity], messages: &[Vec<Stanza>], outcome: &mut Outcome) -> Result<(), Fault> {
        self.child.send(request(identities, messages).expose())?;
        loop {
            let Some(command) = self.receive()? else {
                return Err(self.fell_silent());
            };
            if command.name == "done" {
                self.child.hurry(FAREWELL);
                // All is said: what it does now, it does for itself.
                let _ = self.child.finish();
                return Ok(());
            }
            let reply = self.reply(&command, outcome)?;
            self.child.send(reply.expose())?;
        }
    }

    /// The next stanza. Nothing when the plugin has no more to say.
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

    /// Why the plugin has no more to say.
    fn fell_silent(mut self) -> Fault {
        let secrets = std::mem::take(&mut self.secrets);
        match self.child.finish() {
            Ok(end) => Fault::Ended(end.status, words(end.complaint.as_bytes(), &secrets)),
            Err(error) => error.into(),
        }
    }

    /// Does what the plugin wants, and gives what it is to be told.
    fn reply(&mut self, command: &Command, outcome: &mut Outcome) -> Result<Plaintext, Fault> {
        let (text, arguments) = (command.body.expose(), command.arguments.as_slice());
        match command.name.as_str() {
            "msg" => return Ok(self.show(text)),
            "confirm" => return Ok(self.ask(text, &choice(arguments)?, outcome)),
            "request-public" => return Ok(self.ask(text, &Question::Public, outcome)),
            "request-secret" => return Ok(self.ask(text, &Question::Secret, outcome)),
            "file-key" => outcome.give(index(arguments)?, text)?,
            "error" => outcome.fail(failed_message(arguments), words(text, &self.secrets)),
            _ => return Ok(reply("unsupported")),
        }
        Ok(reply("ok"))
    }

    /// Shows what the plugin wants a person to know or to do.
    fn show(&mut self, text: &[u8]) -> Plaintext {
        if self.shown == MOST_SHOWN {
            return reply("fail");
        }
        self.shown += 1;
        tracing::info!("{}: {}", self.program, words(text, &self.secrets));
        reply("ok")
    }

    /// Asks a person. Their time is not the plugin's.
    fn ask(&mut self, text: &[u8], question: &Question, outcome: &mut Outcome) -> Plaintext {
        if self.is_refused {
            return reply("fail");
        }
        let before = Instant::now();
        let answer = self.asking.ask(self.program, &words(text, &self.secrets), question);
        self.child.forgive(before.elapsed());
        let mut reply = Plaintext::default();
        match answer {
            Ok(Answer::Choice(true)) => stanza::write(&mut reply, [b"ok".as_slice(), b"yes"], b""),
            Ok(Answer::Choice(false)) => stanza::write(&mut reply, [b"ok".as_slice(), b"no"], b""),
            Ok(Answer::Text(text)) => {
                stanza::write(&mut reply, [b"ok".as_slice()], text.expose());
                if matches!(question, Question::Secret) {
                    self.secrets.push(text);
                }
            }
            Err(fault) => {
                self.is_refused = true;
                outcome.unanswered(fault);
                stanza::write(&mut reply, [b"fail".as_slice()], b"");
            }
        }
        reply
    }
}

/// What the plugin is told first, all at once.
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

/// An answer of one word.
fn reply(word: &str) -> Plaintext {
    let mut text = Plaintext::default();
    stanza::write(&mut text, [word.as_bytes()], b"");
    text
}

/// The message that a file key is for.
fn index(arguments: &[String]) -> Result<usize, Fault> {
    match arguments {
        [index] => index.parse().ok(),
        _ => None,
    }
    .ok_or(Fault::Broken("a key without the number of its message"))
}

/// The message that an error is about, if it is about one: `stanza MESSAGE STANZA`. Those about an identity, or the plugin as a whole,
/// are about all that stay closed.
fn failed_message(arguments: &[String]) -> Option<usize> {
    match arguments {
        [kind, message, _] if kind == "stanza" => message.parse().ok(),
        _ => None,
    }
}

/// The choices of a confirmation.
fn choice(arguments: &[String]) -> Result<Question, Fault> {
    let label = |text: &String| {
        let bytes = BASE64_STANDARD_NO_PAD.decode(text);
        bytes
            .map(|bytes| words(&bytes, &[]))
            .map_err(|_| Fault::Broken("a choice that is not base64"))
    };
    match arguments {
        [yes] => Ok(Question::Choice(label(yes)?, None)),
        [yes, no] => Ok(Question::Choice(label(yes)?, Some(label(no)?))),
        _ => Err(Fault::Broken("a confirmation without choices")),
    }
}

/// What a plugin says, fit for a line: nothing that controls a terminal, not long, and without identities and what else it was told in
/// confidence.
fn words(text: &[u8], secrets: &[Plaintext]) -> String {
    let mut text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
    for secret in secrets.iter().filter_map(|secret| str::from_utf8(secret.expose()).ok()) {
        if !secret.is_empty() {
            text = Zeroizing::new(text.replace(secret, "…"));
        }
    }
    let is_identity = |word: &str| word.contains("AGE-PLUGIN-") || word.contains("AGE-SECRET-KEY-");
    let shown = text.split_whitespace().map(|word| if is_identity(word) { "…" } else { word });
    let line = Zeroizing::new(shown.collect::<Vec<_>>().join(" "));
    printable(&line)
}
