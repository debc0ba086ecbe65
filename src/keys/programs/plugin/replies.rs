//! Makes our reply to each stanza of a plugin.

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
use crate::{
    system::plaintext::Plaintext,
    text::{identity::has_identity, printable::printable},
};

/// Limit: at most this many messages of one plugin are shown to a person. Further messages are refused.
const MOST_SHOWN: usize = 32;

/// The state of our side of the conversation with a plugin.
pub(crate) struct Replies<'a> {
    program: &'a str,
    asking: &'a Asking,
    /// The secrets that a person typed for the plugin. If the plugin repeats a secret in a message, the secret is removed.
    secrets: Vec<Plaintext>,
    /// Whether a question of the plugin was not answered. If so, no further question is asked.
    is_refused: bool,
    shown: usize,
}

impl<'a> Replies<'a> {
    /// The state at the start of a conversation with the plugin `program`.
    pub(crate) fn new(program: &'a str, asking: &'a Asking) -> Self {
        Self {
            program,
            asking,
            secrets: Vec::new(),
            is_refused: false,
            shown: 0,
        }
    }

    /// Does what the stanza `command` of the plugin asks for, and returns the reply. File keys and errors of the plugin go to
    /// `outcome`.
    ///
    /// # Errors
    ///
    /// [`Fault::Broken`] if the stanza breaks the protocol.
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

    /// Shows a message of the plugin to a person. Returns the reply to the plugin.
    fn show(&mut self, text: &[u8]) -> Plaintext {
        if self.shown == MOST_SHOWN {
            return reply("fail");
        }
        self.shown += 1;
        tracing::info!("{}: {}", self.program, self.words(text));
        reply("ok")
    }

    /// Asks a person a question of the plugin. Returns the reply to the plugin.
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

    /// Makes a text of the plugin safe to print on one line; see the function [`words`].
    pub(crate) fn words(&self, text: &[u8]) -> String {
        words(text, &self.secrets)
    }
}

/// The results for `count` messages if a plugin says `text` and nobody can be asked. `secret` is a text that a person typed for
/// the plugin before.
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

/// A reply that consists of one word.
fn reply(word: &str) -> Plaintext {
    let mut text = Plaintext::default();
    stanza::write(&mut text, [word.as_bytes()], b"");
    text
}

/// The index of the message that a file key is for.
///
/// # Errors
///
/// [`Fault::Broken`] if the arguments are not one number.
fn index(arguments: &[String]) -> Result<usize, Fault> {
    match arguments {
        [index] => index.parse().ok(),
        _ => None,
    }
    .ok_or(Fault::Broken("a key without the number of its message"))
}

/// The index of the message that an error of the plugin is about, from the arguments `stanza MESSAGE STANZA`. Returns `None` if
/// the error is about an identity or the plugin as a whole.
fn failed_message(arguments: &[String]) -> Option<usize> {
    match arguments {
        [kind, message, _] if kind == "stanza" => message.parse().ok(),
        _ => None,
    }
}

/// The question that a `confirm` stanza asks, with the labels of its one or two choices.
///
/// # Errors
///
/// [`Fault::Broken`] if the arguments are not one or two labels in base64.
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

/// Makes a text of the plugin safe to print on one line: shortens it, and removes control characters. Identities, and the secrets
/// that a person typed, are replaced by `…`.
fn words(text: &[u8], secrets: &[Plaintext]) -> String {
    let mut text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
    for secret in secrets.iter().filter_map(|secret| str::from_utf8(secret.expose()).ok()) {
        if !secret.is_empty() {
            text = Zeroizing::new(text.replace(secret, "…"));
        }
    }
    let shown = text
        .split_whitespace()
        .map(|word| if has_identity(word) { "…" } else { word });
    let line = Zeroizing::new(shown.collect::<Vec<_>>().join(" "));
    printable(&line)
}
