//! Least privilege for the steps that read and decrypt what others wrote.
//!
//! They run on a thread that has given up what decryption does not need, in three ways which do not depend on each other: root's
//! capabilities, Landlock, and a filter of system calls. The process as a whole must still mount, write and start programs, so it
//! cannot give them up. Each of the three is had as far as the kernel, or the container, lets us: where it does not, the work is done
//! all the same, since a host without its secrets may not boot.
//!
//! The limit of this: a thread shares its memory with the rest of the process. It is stopped from doing what it should not do, by a
//! mistake or misled by a file; who can make it write to any place in memory can have the other threads do it.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod system_calls;

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::{
    io,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

use super::stop;

/// Stack of the thread, in bytes: as much as Linux gives to a program's first thread, which the limits of nesting were made for.
const STACK: usize = 8 << 20;
/// How often whoever waits for work looks whether the process was told to end.
const GLANCE: Duration = Duration::from_millis(20);

/// Something to do, which tells its result by itself.
type Work = Box<dyn FnOnce() + Send>;

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
fn begin() -> Option<Sender<Work>> {
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
fn wait<T>(result: &Receiver<T>, end: Instant, grace: Duration) -> Result<T, Unfinished> {
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

/// Takes from this thread, for good, what can be taken.
fn restrict() {
    // What the kernel does not have or does not allow leaves the others: there is nothing to do about it here, and nothing to decide.
    let has_landlock = restrict_access().unwrap_or(false);
    let _ = drop_capabilities();
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let _ = system_calls::refuse(has_landlock);
}

/// No file is written, made, removed or executed, no device is told anything, no TCP port is used, and no process outside hears of us;
/// landlock(7). Not restricted are reading, and sockets with a name in the file system: messages go to the journal by one.
///
/// Gives whether files stay as they are: before Linux 6.2 they could be cut off.
fn restrict_access() -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V5) | AccessFs::Execute)?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    let has_truncation = matches!(status.landlock, LandlockStatus::Available { effective_abi, .. } if effective_abi >= ABI::V3);
    Ok(has_truncation && status.ruleset != RulesetStatus::NotEnforced)
}

/// Leaves of root's capabilities the one to read what belongs to others; capabilities(7). Containers may have `DAC_OVERRIDE` for it alone.
fn drop_capabilities() -> io::Result<()> {
    let held = capabilities(None)?.effective;
    let reading = [CapabilitySet::DAC_READ_SEARCH, CapabilitySet::DAC_OVERRIDE];
    let kept = reading
        .into_iter()
        .find(|one| held.contains(*one))
        .unwrap_or(CapabilitySet::empty());
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)
}

#[cfg(test)]
mod tests;
