//! A thread that can read files and compute, and little else.

use std::{
    cell::Cell,
    panic,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use super::restriction::restrict;
use crate::system::{progress::Progress, stop};

/// The stack size of the confined thread, in bytes: 8 MiB, as much as Linux gives the first thread of a program. The limits of
/// nesting in sops files are chosen for this size.
pub(crate) const STACK: usize = 8 << 20;

/// How often a waiting thread checks whether the process was told to end: every 20 ms. This is the longest time after which a
/// signal is noticed.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// A piece of work for the confined thread. The work returns nothing, but sends its result through a channel to the thread that
/// waits.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// A thread that can read files and compute, and little else. The thread does one piece of work after the other. The thread that
/// waits for the results is not restricted.
///
/// A thread cannot be ended from outside. If a piece of work takes too long, its thread is abandoned, and a new thread does the
/// next work. The abandoned thread ends with the process. Until then, it does no harm: nobody waits for its result, and it holds a
/// shared lock only for the milliseconds in which a key is made ready. Clones of a `Confined` share the thread.
#[derive(Clone, Default)]
pub struct Confined {
    thread: Rc<Cell<Option<Sender<Work>>>>,
}

/// A piece of work that was handed over to a confined thread. If this is dropped before the work is begun, the work is never done.
pub(crate) struct Pending<T> {
    result: Receiver<thread::Result<T>>,
    /// The result, if it was received already.
    done: Option<thread::Result<T>>,
    /// Whether the thread has begun the work, or the work was withdrawn, whichever came first.
    is_taken: Arc<AtomicBool>,
}

impl<T> Pending<T> {
    /// Waits for the result, at most for `time`.
    pub(crate) fn doze(&mut self, time: Duration) {
        self.done = self.result.recv_timeout(time).ok();
    }

    /// Withdraws the work. Returns `false` if the thread has begun it.
    pub(crate) fn withdraw(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Why a piece of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// The work took longer than its timeout.
    Late,
    /// This process was told to end.
    Stopped,
}

impl Confined {
    /// Starts the confined thread before there is work for it. Returns `None` if it cannot be started.
    pub(crate) fn started() -> Option<Self> {
        begin().map(|thread| Self {
            thread: Rc::new(Cell::new(Some(thread))),
        })
    }

    /// Runs `work` on the confined thread, and waits at most for `timeout`. If no thread can be started, `work` runs on the calling
    /// thread, without confinement and without a timeout.
    ///
    /// # Errors
    ///
    /// If there is no result in time. Also if the process was told to end. In that case, the work may not even have begun.
    ///
    /// # Panics
    ///
    /// If `work` panics.
    pub fn run<T: Send + 'static>(&self, timeout: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
        self.run_with_grace(timeout, Duration::ZERO, work)
    }

    /// Does what [`Self::run`] does, but still waits for `grace` after the process was told to end.
    ///
    /// # Errors
    ///
    /// If there is no result in time.
    ///
    /// # Panics
    ///
    /// If `work` panics.
    pub fn run_with_grace<T: Send + 'static>(
        &self,
        timeout: Duration,
        grace: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        self.run_telling(&mut Progress::silent(), timeout, grace, work)
    }

    /// Does what [`Self::run_with_grace`] does, and says by `progress` what is waited for.
    pub(crate) fn run_telling<T: Send + 'static>(
        &self,
        progress: &mut Progress,
        timeout: Duration,
        grace: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        // Without a grace, no work begins after the process was told to end.
        if grace.is_zero() && stop::is_requested() {
            return Err(Unfinished::Stopped);
        }
        self.wait_for(&mut self.hand_over(work), progress, timeout, grace)
    }

    /// Hands `work` over to the confined thread, which does it after the work that it was given before. If no thread can be started,
    /// `work` runs on the calling thread, without confinement.
    pub(crate) fn hand_over<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        let (tell, result) = mpsc::sync_channel(1);
        let is_taken = Arc::new(AtomicBool::new(false));
        let pending = Pending {
            result,
            done: None,
            is_taken: Arc::clone(&is_taken),
        };
        self.start(Box::new(move || {
            if !is_taken.swap(true, Ordering::Relaxed) {
                // An error of `send` is ignored: it means that the result comes too late, so nobody waits for the result any more.
                let _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
            }
        }));
        pending
    }

    /// Waits for the result of work that was handed over, and that was not withdrawn. For the rest, it does what
    /// [`Self::run_telling`] does.
    pub(crate) fn wait_for<T>(
        &self,
        pending: &mut Pending<T>,
        progress: &mut Progress,
        timeout: Duration,
        grace: Duration,
    ) -> Result<T, Unfinished> {
        let done = match pending.done.take() {
            Some(done) => Ok(done),
            None => wait(&pending.result, Instant::now() + timeout, grace, progress),
        };
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panicked)) => panic::resume_unwind(panicked),
            Err(unfinished) => {
                // The thread is still busy, so it is abandoned. The next piece of work starts a new thread.
                self.thread.set(None);
                Err(unfinished)
            }
        }
    }

    /// Sends `work` to the confined thread. Starts a thread if there is none.
    fn start(&self, work: Work) {
        let thread = self.thread.take().or_else(begin);
        match thread {
            Some(thread) => {
                // The result is ignored: the thread lives as long as this sender, so `send` does not fail.
                let _ = thread.send(work);
                self.thread.set(Some(thread));
            }
            None => work(),
        }
    }
}

/// Starts a confined thread, and returns the sender for its work; `None` if no thread can be started.
pub(crate) fn begin() -> Option<Sender<Work>> {
    let (sender, works) = mpsc::channel::<Work>();
    let confined = move || {
        #[cfg(target_os = "linux")]
        restrict();
        for work in works {
            work();
        }
    };
    let thread = thread::Builder::new().name("confined".to_owned()).stack_size(STACK);
    thread.spawn(confined).ok().map(|_| sender)
}

/// Waits for a result until `end`. If the process is told to end, waits at most for `grace` from then on.
fn wait<T>(result: &Receiver<T>, end: Instant, grace: Duration, progress: &mut Progress) -> Result<T, Unfinished> {
    let (mut end, mut unfinished) = (end, Unfinished::Late);
    loop {
        if unfinished == Unfinished::Late && stop::is_requested() {
            unfinished = Unfinished::Stopped;
            end = end.min(Instant::now() + grace);
        }
        let left = end.saturating_duration_since(Instant::now());
        match result.recv_timeout(left.min(GLANCE)) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => progress.glance(),
            Err(_) => return Err(unfinished),
        }
    }
}
