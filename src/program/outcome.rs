//! The result of a run.

use std::process::ExitCode;

/// The result of a run, as an exit code. The codes are documented in `docs/messages.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// All is as the manifest says.
    Done = 0,
    /// Something failed. The live generation is unchanged.
    NothingChanged = 1,
    /// The manifest cannot be used.
    BadManifest = 2,
    /// A generation was published (in a dry run: would be published), but something failed. A symlink or a unit request can be
    /// missing after any run. A secret or template can be missing only if no generation was live before.
    PublishedRest = 3,
    /// The run that completes a set has ended as with one of these two, and neither a key service nor a key that comes later could help.
    NeedsRepair = 4,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}
