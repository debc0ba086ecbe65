//! Why a part of a sops file cannot be written in a form.

use thiserror::Error;

use crate::sops::{
    env_file::EnvFileError,
    format::EmitError,
    key::{KeyPath, KeyStep, marked},
    key_target::KeyTarget,
    select_error::SelectError,
    tree::Value,
};

/// Why a part of a sops file cannot be written in a form.
#[derive(Debug, Error)]
pub enum PartError {
    /// The key leads to something that is no content in any form.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The format of the file, or JSON, has no spelling for a value.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The reader of a file of variables would not give back one of them.
    #[error(transparent)]
    Variable(#[from] EnvFileError),
    /// The form has no spelling for something of this type.
    #[error("the key {} is {found}, and {needs}", marked(.key))]
    Unfit {
        /// The whole key.
        key: String,
        /// The type of what was found, for the message.
        found: &'static str,
        /// What the form needs in its place, for the message.
        needs: &'static str,
        /// Forms that have a spelling for it.
        remedy: &'static str,
    },
    /// The form takes one document, and the file has several.
    #[error("the file has {documents} documents, and this form takes one of them")]
    Documents {
        /// How many documents the file has.
        documents: usize,
    },
    /// A name or value is no text, and the form has only text.
    #[error("the key {} has bytes that are no text in UTF-8, which JSON cannot hold", marked(.key))]
    NoText {
        /// The key of the value.
        key: String,
    },
    /// The value would not be one line.
    #[error("the key {} has a line feed or a carriage return, and would not be one line", marked(.key))]
    LineEnd {
        /// The whole key.
        key: String,
    },
}

impl PartError {
    /// The error for something under `key` that has no spelling.
    pub(crate) fn unfit<S>(key: &KeyPath, found: &KeyTarget<'_, S>, needs: &'static str, remedy: &'static str) -> Self {
        match found {
            KeyTarget::File(documents) => Self::Documents {
                documents: documents.len(),
            },
            found => Self::Unfit {
                key: key.to_string(),
                found: found.type_name(),
                needs,
                remedy,
            },
        }
    }

    /// The error for a value inside what is under `key`, one step deeper, that is no single value.
    pub(crate) fn unfit_inside<S>(key: &KeyPath, step: KeyStep, value: &Value<S>, needs: &'static str) -> Self {
        let remedy = "set as = \"json\" or \"yaml\"";
        Self::unfit(&inside(key, step), &KeyTarget::Value(value), needs, remedy)
    }

    /// What to do about it. `None` if that depends on the file, or if nothing can be done.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Select(_) | Self::Emit(_) => None,
            Self::Variable(refusal) => Some(refusal.remedy()),
            Self::Unfit { remedy, .. } => Some(remedy),
            Self::Documents { .. } => Some("set key to the position of one, such as [0]"),
            Self::NoText { .. } => Some("set as = \"yaml\""),
            Self::LineEnd { .. } => Some("set as = \"json\" or \"yaml\""),
        }
    }
}

/// The key that is one step deeper.
pub(crate) fn inside(key: &KeyPath, step: KeyStep) -> KeyPath {
    let depth = key.steps().len();
    key.with(depth, depth, step)
}
