//! Runs the work on sops files on confined threads, within the time limits of each file and of all files.

use std::{
    iter,
    num::NonZero,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    system::{
        budget,
        confinement::{Confined, Unfinished},
    },
    text::diagnosis::Diagnosis,
};

/// The most desks at which files are worked on side by side.
const MOST_DESKS: usize = 8;

/// A confined thread on which sops files are read, and the time that is left for all files.
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

    /// Does `work` for all items, and returns the results in the order of the items. The items are worked on side by side: at this
    /// desk and, if the machine has several processors, at further desks, each with a confined thread of its own.
    pub(crate) fn side_by_side<I: Send, T: Send>(&mut self, items: Vec<I>, work: impl Fn(&mut Self, I) -> T + Sync) -> Vec<T> {
        let (left, count) = (self.left, further_desks(items.len()));
        let queue = Mutex::new(items.into_iter().enumerate());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work_off = |desk: &mut Self| -> Vec<(usize, T)> {
            iter::from_fn(&next)
                .map(|(position, item)| (position, work(desk, item)))
                .collect()
        };
        let further = || {
            let mut desk = Self {
                thread: Confined::default(),
                left,
            };
            (work_off(&mut desk), desk.left)
        };
        let mut done = thread::scope(|scope| {
            // A thread that cannot be started is no failure: the other desks do its work.
            let start = |_| thread::Builder::new().spawn_scoped(scope, further).ok();
            let others: Vec<_> = (0..count).filter_map(start).collect();
            let mut done = work_off(self);
            for other in others {
                let (more, left) = other.join().unwrap_or_else(|panicked| resume_unwind(panicked));
                self.left = self.left.min(left);
                done.extend(more);
            }
            done
        });
        done.sort_by_key(|(position, _)| *position);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// The number of desks that help with this many files. A desk takes as long to start as one or two small files take.
fn further_desks(files: usize) -> usize {
    let useful = (files / 2).min(MOST_DESKS);
    if useful < 2 {
        return 0;
    }
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    useful.min(processors) - 1
}
