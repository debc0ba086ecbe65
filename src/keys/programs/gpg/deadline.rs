//! Holds one deadline for several programs that run one after the other.

use std::time::{Duration, Instant};

use crate::system::child_error::ChildError;

/// The time by which all programs that work on one message must have ended.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    /// The whole time from start to deadline, for messages.
    timeout: Duration,
}

impl Deadline {
    /// A deadline that is `timeout` from now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self {
            end: Instant::now() + timeout,
            timeout,
        }
    }

    /// The time that is left until the deadline.
    pub(crate) fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Puts the whole time into the error of a program that was too late. The program itself knows only the time that was left
    /// when it was started.
    pub(crate) fn told(self, error: ChildError) -> ChildError {
        match error {
            ChildError::Late(_) => ChildError::Late(self.timeout),
            error => error,
        }
    }
}
