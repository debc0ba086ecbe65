//! A thread that can read files and compute, and nothing else.

use std::{
    cell::Cell,
    panic,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        mpsc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use super::restriction::restrict;
use crate::system::stop;

/// The stack of the thread, in bytes: 8 MiB, as much as Linux gives the first thread of a program. The limits of nesting are made
/// for this size.
pub(crate) const STACK: usize = 8 << 20;

/// How often a caller that waits for work checks whether the process was told to end.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// A piece of work. It returns nothing: it sends its result to the thread that waits for it, through a channel of its own.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// A thread that can read files and compute, and little else. It does one piece of work after the other. The thread that waits
/// for it is not restricted.
///
/// A thread cannot be ended from outside. If it takes too long, it is left behind, and a new thread does the next piece of work.
/// The old one holds no lock, nobody waits for it, and it ends with the process. Clones share the thread.
#[derive(Clone, Default)]
pub struct Confined {
    thread: Rc<Cell<Option<Sender<Work>>>>,
}

/// Why work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It took too long.
    Late,
    /// The process was told to end.
    Stopped,
}

impl Confined {
    /// Runs `work` on the confined thread, and waits for it at most for `timeout`. If no thread can be started, `work` runs on
    /// the calling thread, which is not confined, and without a limit of time.
    ///
    /// # Errors
    /// When there is no result in time, or the process was told to end, even if that was before the work began.
    ///
    /// # Panics
    /// When `work` does.
    pub fn run<T: Send + 'static>(&self, timeout: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
        if stop::is_requested() {
            return Err(Unfinished::Stopped);
        }
        self.run_with_grace(timeout, Duration::ZERO, work)
    }

    /// Like [`Self::run`], but if the process was told to end, before or meanwhile, it still waits for `grace`.
    ///
    /// # Errors
    /// When there is no result in time.
    ///
    /// # Panics
    /// When `work` does.
    pub fn run_with_grace<T: Send + 'static>(
        &self,
        timeout: Duration,
        grace: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let end = Instant::now() + timeout;
        let (tell, result) = mpsc::sync_channel(1);
        let work = Box::new(move || {
            // If the result comes too late, nobody receives it any more, and that is no error.
            let _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
        });
        self.start(work);
        match wait(&result, end, grace) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panicked)) => panic::resume_unwind(panicked),
            Err(unfinished) => {
                // The thread is still busy. Without it, the next piece of work starts a new thread.
                self.thread.set(None);
                Err(unfinished)
            }
        }
    }

    /// Gives `work` to the thread, a new one if there is none.
    fn start(&self, work: Work) {
        let thread = self.thread.take().or_else(begin);
        match thread {
            Some(thread) => {
                // The thread runs as long as this sender exists, so it receives the work.
                let _ = thread.send(work);
                self.thread.set(Some(thread));
            }
            None => work(),
        }
    }
}

/// Starts a confined thread; `None` if that is not possible.
pub(crate) fn begin() -> Option<Sender<Work>> {
    let (sender, works) = mpsc::channel::<Work>();
    let confined = move || {
        restrict();
        for work in works {
            work();
        }
    };
    let thread = thread::Builder::new().name("confined".to_owned()).stack_size(STACK);
    thread.spawn(confined).ok().map(|_| sender)
}

/// Waits for a result until `end`, or until `grace` after the process was told to end.
pub(crate) fn wait<T>(result: &Receiver<T>, end: Instant, grace: Duration) -> Result<T, Unfinished> {
    let (mut end, mut unfinished) = (end, Unfinished::Late);
    loop {
        if unfinished == Unfinished::Late && stop::is_requested() {
            unfinished = Unfinished::Stopped;
            end = end.min(Instant::now() + grace);
        }
        let left = end.saturating_duration_since(Instant::now());
        match result.recv_timeout(left.min(GLANCE)) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(_) => return Err(unfinished),
        }
    }
}
