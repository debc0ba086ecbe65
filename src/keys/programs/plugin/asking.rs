//! Asks a person the questions of a plugin.

use super::{
    failure::Fault,
    terminal::{Echo, Terminal},
};
use crate::system::plaintext::Plaintext;

/// Whether and where a person can be asked.
pub(crate) enum Asking {
    /// Nobody can be asked, as at boot.
    Nobody,
    /// A person is asked on the terminal that this process belongs to. If there is no terminal, nobody can be asked.
    Terminal,
}

/// The kind of answer that a plugin wants to its question.
pub(crate) enum Question {
    /// A text that may be visible while it is typed.
    Public,
    /// A text that must not be visible while it is typed, such as a PIN.
    Secret,
    /// A choice. The values are the label of the first choice, and the label of the second one, if there are two.
    Choice(String, Option<String>),
}

/// The answer that a person gave.
pub(crate) enum Answer {
    /// The text that the person typed.
    Text(Plaintext),
    /// Whether the person took the first choice.
    Choice(bool),
}

impl Asking {
    /// Asks a person the question `words`, in the name of `program`. `words` must be safe to print on one line.
    ///
    /// # Errors
    ///
    /// [`Fault::Asked`] if nobody can be asked. [`Fault::Unanswered`] if the person does not answer.
    pub(crate) fn ask(&self, program: &str, words: &str, question: &Question) -> Result<Answer, Fault> {
        let terminal = match self {
            Self::Nobody => None,
            Self::Terminal => Terminal::open(),
        };
        let terminal = terminal.ok_or_else(|| Fault::Asked(words.to_owned()))?;
        let answer = question.put_to(&terminal, &format!("{program} asks: {words}"));
        answer.ok_or_else(|| Fault::Unanswered(words.to_owned()))
    }
}

impl Question {
    /// Asks the question until the person gives an answer of the wanted kind. Returns `None` if the person refuses, or takes too
    /// long.
    fn put_to(&self, terminal: &Terminal, words: &str) -> Option<Answer> {
        match self {
            Self::Public => terminal.ask(&format!("{words}: "), Echo::Shown).map(Answer::Text),
            Self::Secret => terminal.ask(&format!("{words}: "), Echo::Hidden).map(Answer::Text),
            Self::Choice(yes, None) => {
                let prompt = format!("{words} [press enter for \"{yes}\"] ");
                terminal.ask(&prompt, Echo::Shown).map(|_| Answer::Choice(true))
            }
            Self::Choice(yes, Some(no)) => {
                let prompt = format!("{words} [1 for \"{yes}\", 2 for \"{no}\"] ");
                loop {
                    match terminal.ask(&prompt, Echo::Shown)?.expose().trim_ascii() {
                        b"1" => return Some(Answer::Choice(true)),
                        b"2" => return Some(Answer::Choice(false)),
                        _ => {}
                    }
                }
            }
        }
    }
}
