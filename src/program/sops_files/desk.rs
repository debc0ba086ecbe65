//! Runs the work on sops files on confined threads, within the time limits of each file and of all files.

use std::{
    collections::VecDeque,
    num::NonZero,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    system::{
        budget,
        confinement::{Confined, GLANCE, Pending, Unfinished},
        progress::Progress,
        stop,
    },
    text::diagnosis::Diagnosis,
};

/// Limit: at most 8 desks work on files side by side.
const MOST_DESKS: usize = 8;
/// Limit: a desk gets at most 8 files at once.
const MOST_AT_ONCE: usize = 8;
/// As long as the files that a desk got take less time than this (2 ms), it gets more of them at once.
const SHORT_WORK: Duration = Duration::from_millis(2);

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
        progress: Progress,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Diagnosis> {
        if stop::is_requested() {
            return Err(stopped());
        }
        let start = Instant::now();
        self.wait_for(&mut self.thread.hand_over(work), start, left, progress)
    }

    /// Hands over several pieces of work at once. What is not begun when some milliseconds are over is withdrawn, except the first piece.
    /// Returns the pieces that are left, each with its item, and the items of those that were withdrawn.
    ///
    /// To hand over pieces one by one, and to wait for each, would take as long as a quarter of the work on a small file.
    pub(crate) fn hand_over<I, T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
        &mut self,
        items: Vec<I>,
        work: impl Fn(&I) -> W,
    ) -> (Vec<(I, Pending<T>)>, Vec<I>) {
        let start = Instant::now();
        let hand_over = |item| (self.thread.hand_over(work(&item)), item);
        let mut all: Vec<_> = items.into_iter().map(hand_over).collect();
        if let Some((last, _)) = all.last_mut() {
            last.doze(GLANCE);
        }
        self.left = self.left.saturating_sub(start.elapsed());
        let (mut begun, mut withdrawn) = (Vec::new(), Vec::new());
        for (number, (pending, item)) in all.into_iter().enumerate() {
            if number > 0 && pending.withdraw() {
                withdrawn.push(item);
            } else {
                begun.push((item, pending));
            }
        }
        (begun, withdrawn)
    }

    /// Waits for what was handed over, as [`Self::run`] does. Its time counts from `start`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::run`].
    pub(crate) fn wait_for<T>(
        &mut self,
        pending: &mut Pending<T>,
        start: Instant,
        left: &mut Duration,
        mut progress: Progress,
    ) -> Result<T, Diagnosis> {
        let timeout = self.left.min(*left);
        let done = self.thread.wait_for(pending, &mut progress, timeout, Duration::ZERO);
        let elapsed = start.elapsed();
        self.left = self.left.saturating_sub(elapsed);
        *left = left.saturating_sub(elapsed);
        done.map_err(|unfinished| match unfinished {
            Unfinished::Stopped => stopped(),
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

    /// Does `work` for all items, side by side: at this desk and, if the machine has several processors, at further desks, each with a
    /// confined thread of its own. A desk takes some items at a time: at first one, and more as long as they take little time. Towards
    /// the end it takes fewer, so that no desk has nothing to do while another has much.
    ///
    /// `work` gives back the items that it does not begin soon, which are the next to be taken. It returns whether to go on. If it returns
    /// `false`, no desk takes another item.
    pub(crate) fn side_by_side<I: Send>(
        &mut self,
        items: Vec<I>,
        work: impl Fn(&mut Self, Vec<I>, &dyn Fn(Vec<I>)) -> bool + Sync,
    ) {
        let (left, count) = (self.left, further_desks(items.len()));
        // Without a queue, nothing more is to be taken, nor given back.
        let queue = Mutex::new(Some(VecDeque::from(items)));
        let queue = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let next = |most: usize| {
            let mut queue = queue();
            let Some(items) = queue.as_mut() else { return Vec::new() };
            let share = items.len().div_ceil(2 * (count + 1));
            items.drain(..share.min(most)).collect::<Vec<_>>()
        };
        let give_back = |rest: Vec<I>| {
            if let Some(items) = queue().as_mut() {
                rest.into_iter().rev().for_each(|item| items.push_front(item));
            }
        };
        let work_off = |desk: &mut Self| {
            let mut most = 1;
            loop {
                let (items, start) = (next(most), Instant::now());
                // After this run was told to end, nothing more is begun.
                if items.is_empty() || stop::is_requested() {
                    return;
                }
                if !work(desk, items, &give_back) {
                    *queue() = None;
                    return;
                }
                let is_short = start.elapsed() < SHORT_WORK;
                most = if is_short { MOST_AT_ONCE.min(most * 2) } else { 1 };
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

/// The diagnosis for a file that was not decrypted before this run was told to end.
fn stopped() -> Diagnosis {
    Diagnosis::new("stopped: this run was told to end", "run this again")
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
    use std::sync::Arc;

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
        desk.side_by_side((0..100).collect(), |desk, _, _| {
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
        desk.side_by_side((0..100).collect(), |desk, numbers, _| {
            let work = move || thread::sleep(if numbers.contains(&1) { slow } else { Duration::ZERO });
            desk.run(&mut budget::FILE.clone(), Progress::silent(), work).is_ok()
        });
        assert!(desk.left <= budget::FILES.saturating_sub(slow), "{:?}", desk.left);
    }

    #[test]
    fn every_item_is_worked_on_once_and_more_at_a_time_if_they_take_little_time() {
        let mut desk = Desk::new(Confined::default());
        let mut taken = |time: Duration| {
            let taken = Mutex::new(Vec::new());
            desk.side_by_side((0..100).collect(), |_, numbers: Vec<usize>, give_back| {
                thread::sleep(time);
                // One of several items is given back.
                let mut numbers = numbers;
                let rest = numbers.split_off(numbers.len().div_ceil(2));
                taken.lock().unwrap().push((numbers.len() + rest.len(), numbers));
                give_back(rest);
                true
            });
            let taken = taken.into_inner().unwrap();
            let mut all: Vec<_> = taken.iter().flat_map(|(_, numbers)| numbers).copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
            taken.iter().map(|(count, _)| *count).max()
        };
        assert_eq!(taken(SHORT_WORK), Some(1));
        assert!((2..=MOST_AT_ONCE).contains(&taken(Duration::ZERO).unwrap()));
    }

    #[test]
    fn what_is_given_back_is_the_next_to_be_taken_in_its_order() {
        let (mut desk, taken) = (Desk::new(Confined::default()), Mutex::new(Vec::<u8>::new()));
        // Of so few items, one desk takes all. It gives the first one back once.
        desk.side_by_side(vec![0, 1, 2], |_, numbers, give_back| {
            taken.lock().unwrap().extend(&numbers);
            if taken.lock().unwrap().len() == 1 {
                give_back(numbers);
            }
            true
        });
        assert_eq!(taken.into_inner().unwrap(), [0, 0, 1, 2]);
    }

    #[test]
    fn what_was_handed_over_behind_slow_work_is_withdrawn_and_never_done() {
        let mut desk = Desk::new(Confined::default());
        let done = Arc::new(Mutex::new(Vec::new()));
        let work = |number: &u64| {
            let (done, number) = (Arc::clone(&done), *number);
            move || {
                thread::sleep(Duration::from_millis(if number == 1 { 2000 } else { 0 }));
                done.lock().unwrap().push(number);
            }
        };
        let (begun, withdrawn) = desk.hand_over(vec![0, 1, 2, 3], work);
        assert!(withdrawn.ends_with(&[2, 3]), "{withdrawn:?}");
        let expected: Vec<_> = begun.iter().map(|(number, _)| *number).collect();
        for (_, mut pending) in begun {
            let left = &mut budget::FILE.clone();
            desk.wait_for(&mut pending, Instant::now(), left, Progress::silent()).unwrap();
        }
        // The thread takes the next piece of work only behind all that it was given.
        desk.run(&mut budget::FILE.clone(), Progress::silent(), || ()).unwrap();
        assert_eq!(*done.lock().unwrap(), expected);
    }
}
