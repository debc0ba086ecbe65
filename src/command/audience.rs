//! Who reads what a command prints.

use std::io::{self, IsTerminal as _};

/// Who reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A person, at a terminal.
    Person,
    /// A script, or a file.
    Script,
}

impl Audience {
    /// The reader of this process's standard output.
    pub(crate) fn of_standard_output() -> Self {
        if io::stdout().is_terminal() {
            Self::Person
        } else {
            Self::Script
        }
    }
}
