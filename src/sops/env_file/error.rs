//! Why a file of environment variables cannot be written for a reader. Names are not secret; no message has a value.

use thiserror::Error;

use super::unwritable::Unwritable;
use crate::text::printable::named;

/// Why a file of environment variables cannot be written for a reader.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvFileError {
    /// The reader cannot give back the value.
    #[error("the variable {} has {fault}, which {reader}", named(.variable))]
    Value {
        /// The name of the variable.
        variable: String,
        /// What the value has.
        fault: Unwritable,
        /// Who cannot read it, for the message: "systemd cannot read".
        reader: &'static str,
    },
    /// The name and the value are together longer than the reader takes.
    #[error("the variable {} has more than {most} bytes with its value, which {reader}", named(.variable))]
    Long {
        /// The name of the variable.
        variable: String,
        /// The most bytes of name and value together.
        most: usize,
        /// Who cannot read it, for the message: "systemd cannot read".
        reader: &'static str,
    },
    /// No environment variable has such a name.
    #[error("the variable {} has a name of other characters than letters, digits and underscores", named(.variable))]
    Name {
        /// The name.
        variable: String,
    },
    /// The shell sets this variable itself.
    #[error("the variable {} is one that a shell sets itself", named(.variable))]
    Own {
        /// The name.
        variable: String,
    },
    /// The text of a template has quotes around a value, as if the reader saw them.
    #[error("the variable {} has quotes around its value in the template, which would become a part of it", named(.variable))]
    Quoted {
        /// The name of the variable.
        variable: String,
    },
    /// Several values have this name, and readers differ in which of them counts.
    #[error("the variable {} is there more than once", named(.variable))]
    Repeated {
        /// The name of the variable.
        variable: String,
    },
    /// A line is neither a comment nor a variable. `line` counts from 1.
    #[error("line {line} is neither a comment nor a variable")]
    Line {
        /// The number of the line, counted from 1.
        line: usize,
    },
}

impl EnvFileError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Value { .. } | Self::Long { .. } => "change the value, choose another \"as\", or make it a secret of its own",
            Self::Name { .. } => "use a name such as DB_PASSWORD",
            Self::Own { .. } => "use another name",
            Self::Quoted { .. } => "remove the quotes: \"as\" writes those that the reader needs",
            Self::Repeated { .. } => "keep one of them",
            Self::Line { .. } => "write NAME=value",
        }
    }
}
