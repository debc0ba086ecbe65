//! What a command answers: a text for standard output, and remarks for standard error.

use crate::text::diagnosis::Diagnosis;

/// What a command answers.
#[derive(Default)]
pub(crate) struct Reply {
    /// The text for standard output, with its line ends.
    pub(crate) text: String,
    /// Whether the text tells of something that is wrong. The exit code says so too.
    pub(crate) has_findings: bool,
    /// What could not be done, each with its remedy.
    pub(crate) failures: Vec<Diagnosis>,
    /// What was left out although nothing is wrong with it.
    pub(crate) remarks: Vec<Diagnosis>,
}
