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
        progress::Progress,
    },
    text::diagnosis::Diagnosis,
};

/// Limit: at most 8 desks work on files side by side.
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

    /// Runs `work` for one file. `left` is the time that is left for this file. The time that the work takes is subtracted from
    /// `left`. If it takes long, `progress` says what is waited for.
    ///
    /// # Errors
    ///
    /// If the work takes too long, or this run was told to end. The error is a diagnosis with the reason.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        left: &mut Duration,
        mut progress: Progress,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Diagnosis> {
        let start = Instant::now();
        let timeout = self.left.min(*left);
        let done = self.thread.run_telling(&mut progress, timeout, Duration::ZERO, work);
        let elapsed = start.elapsed();
        self.left = self.left.saturating_sub(elapsed);
        *left = left.saturating_sub(elapsed);
        done.map_err(|unfinished| match unfinished {
            Unfinished::Stopped => Diagnosis::new("stopped: this run was told to end", "run this again"),
            Unfinished::Late if left.is_zero() => Diagnosis::new(
                format!("its decryption takes longer than {} s", budget::FILE.as_secs()),
                "look at what was changed in the file, or restore it from version control",
            ),
            Unfinished::Late => Diagnosis::new(
                format!(
                    "no time is left for it: all files together have {} s, and the files before it used most of that time",
                    budget::FILES.as_secs()
                ),
                "repair those files first",
            ),
        })
    }

    /// Does `work` for one item after the other, side by side: at this desk and, if the machine has several processors, at further
    /// desks, each with a confined thread of its own. `work` returns whether to go on. If it returns `false`, no desk takes another
    /// item.
    pub(crate) fn side_by_side<I: Send>(&mut self, items: Vec<I>, work: impl Fn(&mut Self, I) -> bool + Sync) {
        let (left, count) = (self.left, further_desks(items.len()));
        let queue = Mutex::new(items.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let stop = || queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
        let work_off = |desk: &mut Self| {
            if !iter::from_fn(next).all(|item| work(desk, item)) {
                stop();
            }
        };
        let further = || match Confined::started() {
            Some(thread) => {
                let mut desk = Self { thread, left };
                work_off(&mut desk);
                desk.left
            }
            None => left,
        };
        thread::scope(|scope| {
            // A thread that cannot be started is no failure: the other desks do its work.
            let start = |_| thread::Builder::new().spawn_scoped(scope, further).ok();
            let others: Vec<_> = (0..count).filter_map(start).collect();
            work_off(self);
            for other in others {
                let left = other.join().unwrap_or_else(|panicked| resume_unwind(panicked));
                self.left = self.left.min(left);
            }
        });
    }
}

/// The number of further desks for this many files. Starting a desk takes as long as one or two small files take, so there are at
/// most half as many desks as files.
fn further_desks(files: usize) -> usize {
    let useful = (files / 2).min(MOST_DESKS);
    if useful < 2 {
        return 0;
    }
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    useful.min(processors) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A piece of work that takes longer than any time in these tests.
    fn sleep() {
        thread::sleep(Duration::from_mins(5));
    }

    #[test]
    fn all_desks_together_have_one_time_and_stop_when_it_is_over() {
        let mut desk = Desk::new(Confined::default());
        desk.left = Duration::from_millis(200);
        let (start, failures) = (Instant::now(), Mutex::new(Vec::new()));
        desk.side_by_side((0..100).collect(), |desk, _| {
            let failure = desk.run(&mut budget::FILE.clone(), Progress::silent(), sleep).unwrap_err();
            failures.lock().unwrap().push(failure.to_string());
            false
        });
        assert!(start.elapsed() < budget::FILE, "{:?}", start.elapsed());
        assert_eq!(desk.left, Duration::ZERO);
        let failures = failures.into_inner().unwrap();
        assert!((1..=MOST_DESKS).contains(&failures.len()), "{failures:?}");
        let expected = "no time is left for it: all files together have 90 s, and the files before it used most of that time; repair those files first";
        assert!(failures.iter().all(|failure| failure == expected), "{failures:?}");
        // The time is over for later files as well.
        assert!(desk.run(&mut budget::FILE.clone(), Progress::silent(), sleep).is_err());
    }

    #[test]
    fn the_time_that_the_slowest_desk_used_is_used_for_all() {
        let mut desk = Desk::new(Confined::default());
        let slow = Duration::from_millis(300);
        desk.side_by_side((0..100).collect(), |desk, number| {
            let work = move || thread::sleep(if number == 1 { slow } else { Duration::ZERO });
            desk.run(&mut budget::FILE.clone(), Progress::silent(), work).is_ok()
        });
        assert!(desk.left <= budget::FILES.saturating_sub(slow), "{:?}", desk.left);
    }
}
