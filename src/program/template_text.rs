//! The text of a template, with its placeholders.

use std::path::Path;

use crate::{
    manifest::Template,
    system::{
        plaintext::Plaintext,
        read::{ReadError, Reader},
    },
    text::{
        diagnosis::Diagnosis,
        printable::{named, shown},
    },
};

/// Limit: a template file has at most 64 MiB, far more than any real template. Larger files are refused.
const LARGEST_TEMPLATE: usize = 1 << 26;

/// The text of a template.
pub(crate) enum TemplateText<'m> {
    /// The text that is in the manifest. It is not copied, because it may be long.
    Inline(&'m str),
    /// The text that was read from a file.
    File(Plaintext),
}

impl<'m> TemplateText<'m> {
    /// The text of a template. The text comes from `file`. If there is no file, or if the file cannot be read, the inline text is
    /// taken. The Nix modules make the file from the inline text, so both are equal, unless the user gave both.
    pub(crate) fn of(template: &'m Template, reader: &mut Reader) -> Result<Self, Diagnosis> {
        let (name, body) = (&template.name, &template.body);
        let Some(path) = &body.file else {
            return Ok(Self::Inline(&body.content));
        };
        match reader.read(path, LARGEST_TEMPLATE) {
            Ok(file) => Ok(Self::File(file.text)),
            Err(error) if body.content.is_empty() => Err(unreadable(path, &error)),
            Err(error) => {
                let Diagnosis { cause, remedy } = unreadable(path, &error);
                let cause = format!(
                    "template {}: {cause}, so the field \"content\" is used instead",
                    named(name.as_str())
                );
                tracing::warn!("{}", Diagnosis { cause, remedy });
                Ok(Self::Inline(&body.content))
            }
        }
    }

    /// The text, if it can be read here. The file of a template may be on another machine.
    pub(crate) fn at_hand(template: &'m Template, reader: &mut Reader) -> Option<Self> {
        match &template.body.file {
            Some(path) => Some(Self::File(reader.read(path, LARGEST_TEMPLATE).ok()?.text)),
            None => Some(Self::Inline(&template.body.content)),
        }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        match self {
            Self::Inline(text) => text.as_bytes(),
            Self::File(text) => text.expose(),
        }
    }
}

fn unreadable(path: &Path, error: &ReadError) -> Diagnosis {
    error.diagnosis().of(format_args!("cannot read its file {}", shown(path)))
}
