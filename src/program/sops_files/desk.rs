//! Runs the work on sops files on the confined thread, within the time limits of each file and of all files.

use std::time::{Duration, Instant};

use crate::{
    system::{
        budget,
        confinement::{Confined, Unfinished},
    },
    text::diagnosis::Diagnosis,
};

/// The thread on which sops files are read, and the time that is left for all of them.
pub(crate) struct Desk {
    thread: Confined,
    left: Duration,
}

impl Desk {
    /// Starts with the full time for all sops files together ([`budget::FILES`]).
    pub(crate) fn new(thread: Confined) -> Self {
        Self {
            thread,
            left: budget::FILES,
        }
    }

    /// Runs `work` for one file. `left` is the time that is left for this file, from which the time of the work is subtracted.
    ///
    /// # Errors
    ///
    /// When the work takes too long, or this run was told to end. The error is a diagnosis with the reason.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        left: &mut Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Diagnosis> {
        let start = Instant::now();
        let done = self.thread.run(self.left.min(*left), work);
        let elapsed = start.elapsed();
        self.left = self.left.saturating_sub(elapsed);
        *left = left.saturating_sub(elapsed);
        done.map_err(|unfinished| match unfinished {
            Unfinished::Stopped => Diagnosis::new("stopped: this run was told to end", "run this again"),
            Unfinished::Late if left.is_zero() => Diagnosis::new(
                format!("it takes longer than {} s", budget::FILE.as_secs()),
                "see what was changed in it, or restore it from version control",
            ),
            Unfinished::Late => Diagnosis::new(
                format!(
                    "no time is left for it: the files before it used most of the {} s that all have together",
                    budget::FILES.as_secs()
                ),
                "repair those first",
            ),
        })
    }
}
