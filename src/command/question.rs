//! Asks whoever types the command.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Whoever types the command, as long as they answer.
pub(crate) struct Person {
    is_there: bool,
}

impl Person {
    /// Whoever is at the terminal. Without a terminal, nobody is there.
    pub(crate) fn at_terminal() -> Self {
        Self {
            is_there: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Whether somebody is there who can answer.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Asks a question, and says whether the answer is yes. If nobody is there, the answer is no. Whoever ends the input answers no more.
    pub(crate) fn says_yes(&mut self, question: &str) -> bool {
        let mut answer = String::new();
        self.is_there = self.is_there
            && write!(io::stderr(), "{question} [y/N] ")
                .and_then(|()| io::stdin().lock().read_line(&mut answer))
                .is_ok_and(|length| length > 0);
        ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
    }
}
