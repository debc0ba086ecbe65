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

/// Stack of the thread, in bytes: as much as Linux gives to a program's first thread, which the limits of nesting were made for.
pub(crate) const STACK: usize = 8 << 20;

/// How often whoever waits for work looks whether the process was told to end.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// Something to do, which tells its result by itself.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// A thread that can read files and compute, and nothing else. It does one work after the other. The thread that waits for it is not
/// restricted.
///
/// A thread cannot be ended from outside. One that takes too long is left behind: it holds no lock, nobody waits for it, and it is gone
/// when the process ends. The next work is done by another. Clones share the thread.
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
    /// Has `work` done, and waits for it no longer than `timeout`. Where there can be no other thread, it is done on this one, and takes
    /// the time that it takes.
    ///
    /// # Errors
    /// When there is no result in time, or the process was told to end, also before the work was begun.
    ///
    /// # Panics
    /// When `work` does.
    pub fn run<T: Send + 'static>(&self, timeout: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
        if stop::is_requested() {
            return Err(Unfinished::Stopped);
        }
        self.run_with_grace(timeout, Duration::ZERO, work)
    }

    /// The same, but a process that was told to end, before or meanwhile, still waits for `grace`.
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
            // Nobody listens any more to what comes too late.
            let _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
        });
        self.start(work);
        match wait(&result, end, grace) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panicked)) => panic::resume_unwind(panicked),
            Err(unfinished) => {
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
                // It ends with this sender, not before.
                let _ = thread.send(work);
                self.thread.set(Some(thread));
            }
            None => work(),
        }
    }
}

/// Starts a thread. Nothing where that is not possible.
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
