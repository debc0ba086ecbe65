//! The daemons of a GnuPG home on macOS, where gpg starts them itself. They go on after this run, as after each call of gpg: a run cannot
//! tell its own daemons from those of another gpg, because macOS gives the daemons of all runs to process 1.

use std::process::Command;

use super::{deadline::Deadline, failure::GpgFailure};

/// The daemons of a GnuPG home, which this run shares with others and does not end.
pub(crate) struct SharedServices;

impl SharedServices {
    /// Leaves the start of the daemons to gpg.
    ///
    /// # Errors
    ///
    /// None. The signature is that of Linux.
    #[allow(
        clippy::unnecessary_wraps,
        clippy::needless_pass_by_value,
        reason = "the signature is that of Linux"
    )]
    pub(crate) fn start(_gpgconf: Command, _agent: Command, _deadline: Deadline) -> Result<Self, GpgFailure> {
        Ok(Self)
    }
}
