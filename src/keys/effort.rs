//! How often the keys at hand are tried. Each try takes time, and whoever changes a file can add any number of messages that look as if
//! they were for a key of this host. So tries are limited.
//!
//! In a file that sops wrote, each entry names its key, and there is one message for each key and key group. So the tries of keys that
//! entries name grow with the numbers of groups and entries, and keep no file closed that sops wrote. All other tries are guesses. Each
//! file has tries of its own of both sorts, which no other file can use up. Further tries of both sorts come from a number that all files
//! of a run share.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The kind of key that is tried, by how long a try takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCost {
    /// An RSA key: milliseconds, many of them for a large key.
    Rsa,
    /// A key on a curve, or a post-quantum one: a tenth of a millisecond.
    Other,
}

/// How many key groups of a file add one try of an RSA key each. Nobody has so many groups. sops allows 255 of them, and a try for each
/// would take seconds.
const MOST_RSA_GROUPS: usize = 64;

/// Tries that are left.
#[derive(Debug)]
pub(crate) struct Tries {
    rsa: AtomicUsize,
    other: AtomicUsize,
}

impl Tries {
    /// The tries of one file for guesses: for a thousand entries with four keys each, and for eight messages for RSA keys.
    pub(crate) const fn of_file() -> Self {
        Self::new(8, 4_000)
    }

    /// The tries of one file for keys that its entries name. sops writes one message for each key and key group, and the first good one
    /// opens the group. The additional tries are for messages that are damaged.
    fn of_names(groups: usize, entries: usize) -> Self {
        Self::new(groups.min(MOST_RSA_GROUPS) + 7, entries + 4_000)
    }

    /// The tries that all files of a run share, for files that have used up their own.
    pub(crate) const fn of_run() -> Self {
        Self::new(64, 12_000)
    }

    const fn new(rsa: usize, other: usize) -> Self {
        Self {
            rsa: AtomicUsize::new(rsa),
            other: AtomicUsize::new(other),
        }
    }

    /// Takes one try of `kind`. Returns false if none is left.
    pub(crate) fn take(&self, kind: KeyCost) -> bool {
        let left = match kind {
            KeyCost::Rsa => &self.rsa,
            KeyCost::Other => &self.other,
        };
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        less.is_ok()
    }
}

impl Default for Tries {
    fn default() -> Self {
        Self::of_run()
    }
}

/// The tries of one file.
pub(crate) struct FileTries {
    names: Tries,
    guesses: Tries,
}

impl FileTries {
    pub(crate) fn new(groups: usize, entries: usize) -> Self {
        Self {
            names: Tries::of_names(groups, entries),
            guesses: Tries::of_file(),
        }
    }

    /// The tries for an entry: those of keys that it names, and those of other keys.
    pub(crate) fn efforts<'t>(&'t self, run: &'t Tries) -> (Effort<'t>, Effort<'t>) {
        (Effort::new(&self.names, run), Effort::new(&self.guesses, run))
    }
}

/// The tries for an entry: the file's own, then those that all files of the run share.
pub(crate) struct Effort<'t> {
    file: &'t Tries,
    run: &'t Tries,
    is_spent: Cell<bool>,
}

impl<'t> Effort<'t> {
    pub(crate) fn new(file: &'t Tries, run: &'t Tries) -> Self {
        Self {
            file,
            run,
            is_spent: Cell::new(false),
        }
    }

    /// Takes a try from the file's own or, if none is left, from the shared ones. Returns false if there is none.
    pub(crate) fn take(&self, kind: KeyCost) -> bool {
        let may = self.file.take(kind) || self.run.take(kind);
        self.is_spent.set(self.is_spent.get() || !may);
        may
    }

    /// Whether a try was refused, so that a key was not tried.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_can_use_up_the_tries_of_another() {
        let run = Tries::of_run();
        let (greedy, honest) = (Tries::of_file(), Tries::of_file());
        let greedy = Effort::new(&greedy, &run);
        assert_eq!((0..1000).filter(|_| greedy.take(KeyCost::Rsa)).count(), 8 + 64);
        assert!(greedy.is_spent());
        let honest = Effort::new(&honest, &run);
        assert_eq!((0..8).filter(|_| honest.take(KeyCost::Rsa)).count(), 8);
        assert!(!honest.is_spent() && honest.take(KeyCost::Other));
    }

    #[test]
    fn guesses_take_nothing_from_keys_that_a_file_names() {
        let run = Tries::new(0, 0);
        let tries = FileTries::new(255, 10_000);
        let (named, other) = tries.efforts(&run);
        for kind in [KeyCost::Rsa, KeyCost::Other] {
            while other.take(kind) {}
        }
        assert_eq!((0..1000).filter(|_| named.take(KeyCost::Rsa)).count(), 64 + 7);
        assert_eq!((0..20_000).filter(|_| named.take(KeyCost::Other)).count(), 10_000 + 4_000);
    }
}
