//! Our replies to what a plugin says, one stanza after the other.

#[cfg(fuzzing)]
use age_core::format::FileKey;
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use zeroize::Zeroizing;

#[cfg(fuzzing)]
use super::failure::PluginFailure;
use super::{
    asking::{Answer, Asking, Question},
    failure::Fault,
    outcome::PluginOutcome,
    stanza::{self, Command},
};
use crate::{system::plaintext::Plaintext, text::printable::printable};

/// The most messages to a person that are shown for a plugin. More are refused.
const MOST_SHOWN: usize = 32;

/// Our side of a conversation.
pub(crate) struct Replies<'a> {
    program: &'a str,
    asking: &'a Asking,
    /// The secrets that a person typed for the plugin. They are removed from what it says.
    secrets: Vec<Plaintext>,
    /// Whether a question was not answered. Then no other is asked.
    is_refused: bool,
    shown: usize,
}

impl<'a> Replies<'a> {
    /// The replies to `program`, at the start of a conversation.
    pub(crate) fn new(program: &'a str, asking: &'a Asking) -> Self {
        Self {
            program,
            asking,
            secrets: Vec::new(),
            is_refused: false,
            shown: 0,
        }
    }

    /// Does what a stanza of the plugin wants, and gives the stanza that answers it.
    pub(crate) fn reply(&mut self, command: &Command, outcome: &mut PluginOutcome) -> Result<Plaintext, Fault> {
        let (text, arguments) = (command.body.expose(), command.arguments.as_slice());
        match command.name.as_str() {
            "msg" => return Ok(self.show(text)),
            "confirm" => return Ok(self.ask(text, &choice(arguments)?, outcome)),
            "request-public" => return Ok(self.ask(text, &Question::Public, outcome)),
            "request-secret" => return Ok(self.ask(text, &Question::Secret, outcome)),
            "file-key" => outcome.give(index(arguments)?, text)?,
            "error" => outcome.fail(failed_message(arguments), self.words(text)),
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
        tracing::info!("{}: {}", self.program, self.words(text));
        reply("ok")
    }

    /// Asks a person.
    fn ask(&mut self, text: &[u8], question: &Question, outcome: &mut PluginOutcome) -> Plaintext {
        if self.is_refused {
            return reply("fail");
        }
        let answer = self.asking.ask(self.program, &self.words(text), question);
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

    /// What the plugin says, fit for a line: see [`words`].
    pub(crate) fn words(&self, text: &[u8]) -> String {
        words(text, &self.secrets)
    }
}

/// The results for `count` messages if a plugin, which was given `secret`, says `text`, and nobody can be asked.
#[cfg(fuzzing)]
pub(crate) fn hear(mut text: &[u8], count: usize, secret: &str) -> Vec<Result<FileKey, PluginFailure>> {
    let mut outcome = PluginOutcome::new(count);
    let mut replies = Replies::new("age-plugin-test", &Asking::Nobody);
    replies.secrets.push(Plaintext::from(secret.to_owned()));
    let mut end = Ok(());
    while let (Ok(()), Ok(Some((command, length)))) = (&end, stanza::read(text)) {
        text = text.get(length..).unwrap_or_default();
        end = replies.reply(&command, &mut outcome).map(|_| ());
    }
    outcome.results("age-plugin-test", end)
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

/// The index of the message that an error is about: `stanza MESSAGE STANZA`. `None` if it is about an identity, or the plugin as a whole:
/// then it counts for all messages without a key.
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

/// What a plugin says, safe to print on one line: shortened, without control characters, and without identities and the secrets that a
/// person typed.
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
