//! One deadline for several programs that run in a row.

use std::time::{Duration, Instant};

use crate::system::child::ChildError;

/// The time at which all that is done for one message has to be over.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    /// The whole time, as people are told it.
    timeout: Duration,
}

impl Deadline {
    /// Ends `timeout` from now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self {
            end: Instant::now() + timeout,
            timeout,
        }
    }

    /// The time until then.
    pub(crate) fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The error with the whole time in it. A program that is late knows only the time that was left when it was started.
    pub(crate) fn told(self, error: ChildError) -> ChildError {
        match error {
            ChildError::Late(_) => ChildError::Late(self.timeout),
            error => error,
        }
    }
}
