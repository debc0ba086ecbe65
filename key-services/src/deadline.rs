//! The instant at which every question has to be answered.

use std::{
    io,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// The instant at which every question of a run has to be answered.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The instant that is `time` from now.
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// The time that remains; zero if there is none.
    pub(crate) fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The instant at which one `share`th of the time that remains is over.
    pub(crate) fn share(self, share: usize) -> Self {
        let share = u32::try_from(share).unwrap_or(u32::MAX).max(1);
        Self::after(self.remaining() / share)
    }

    /// What `work` gives before this instant. It takes as long as the system likes, so a thread of its own waits for it.
    ///
    /// # Errors
    ///
    /// Those of `work`, and [`io::ErrorKind::TimedOut`].
    pub(crate) fn within<T: Send + 'static>(self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().spawn(move || sender.send(work()))?;
        receiver.recv_timeout(self.remaining()).map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// The time that remains, but `most` at most.
    pub(crate) fn at_most(self, most: Duration) -> Duration {
        self.remaining().min(most)
    }
}
