//! Waits for work that may never end, such as work on a disk that does not answer, and only for a limited time.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A piece of work. It returns nothing, but sends its result to whoever waits.
type Chore = Box<dyn FnOnce() + Send>;

/// A time that several pieces of work share.
///
/// Each piece is done by a thread of its own. A thread cannot be ended from outside: if its work takes too long, the thread is left
/// behind, and goes on until the work or the process ends.
pub(crate) struct Patience {
    left: Duration,
}

impl Patience {
    /// The whole time.
    pub(crate) fn of(left: Duration) -> Self {
        Self { left }
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// Does `work`, and waits for its result at most for `most`, and at most for the time that is left. `None` if there is no result
    /// by then. If no thread can be started, this thread does the work.
    pub(crate) fn wait_for<T: Send + 'static>(&mut self, most: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, result) = mpsc::sync_channel(1);
        let start = Instant::now();
        begin(Box::new(move || {
            // An error of `send` is ignored: it means that nobody waits any more.
            let _ = tell.send(work());
        }));
        let done = result.recv_timeout(most.min(self.left)).ok();
        self.left = self.left.saturating_sub(start.elapsed());
        done
    }
}

/// Lets a new thread do `work`, or this one if no thread can be started.
fn begin(work: Chore) {
    let (give, take) = mpsc::channel::<Chore>();
    let thread = thread::Builder::new().name("patience".to_owned());
    let started = thread.spawn(move || take.into_iter().for_each(|work| work()));
    match started {
        // The result is ignored: the thread waits for work, so `send` does not fail.
        Ok(_) => drop(give.send(work)),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_the_time_that_is_left() {
        let mut patience = Patience::of(Duration::from_mins(1));
        assert_eq!(patience.wait_for(Duration::from_mins(1), || 1), Some(1));
        assert_eq!(
            patience.wait_for(Duration::from_millis(20), || thread::sleep(Duration::from_mins(1))),
            None
        );
        assert!(patience.left() <= Duration::from_mins(1).saturating_sub(Duration::from_millis(20)));
        let mut patience = Patience::of(Duration::ZERO);
        assert_eq!(
            patience.wait_for(Duration::from_mins(1), || thread::sleep(Duration::from_mins(1))),
            None
        );
    }
}
