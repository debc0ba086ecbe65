//! Questions of a plugin to a person.

use super::{
    failure::Fault,
    terminal::{Echo, Terminal},
};
use crate::system::plaintext::Plaintext;

/// Whether a person can be asked.
pub(crate) enum Asking {
    /// Nobody can be asked, as at boot.
    Nobody,
    /// On the terminal that the process belongs to, if there is one.
    Terminal,
}

/// The kind of answer that a plugin wants.
pub(crate) enum Question {
    /// A text that may be seen.
    Public,
    /// A text that may not be seen, such as a PIN.
    Secret,
    /// One of two choices, or the only one.
    Choice(String, Option<String>),
}

/// What a person answered.
pub(crate) enum Answer {
    /// The text that a person typed.
    Text(Plaintext),
    /// Whether it is the first choice.
    Choice(bool),
}

impl Asking {
    /// Asks a person the question `words` in the name of `program`. `words` must be safe to print on one line.
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
    /// Asks until there is an answer of the kind that is wanted. Nothing when the person does not want to.
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
