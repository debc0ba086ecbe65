//! Limits how often the keys at hand are tried.
//!
//! Each try takes time. Somebody who changes a file can add any number of messages that look as if they were for a key of this
//! host. So the number of tries is limited.
//!
//! There are two sorts of tries. One sort is a try of a key that the recipient entry names. The other sort is a guess: a try of
//! a key that the entry does not name.
//!
//! In a file that sops wrote, each recipient entry names its key, and there is one message for each key and key group. So the limit
//! for tries of named keys grows with the numbers of groups and entries. The limit is high enough for every real file.
//!
//! Each file has its own tries of both sorts, which no other file can use up. All files of a run also share a supply of tries of
//! both sorts. A file that has used up its own tries takes further tries from this supply.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// The kind of key that is tried. The kinds differ in how long one try takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCost {
    /// An RSA key. One try takes milliseconds, and many milliseconds for a large key.
    Rsa,
    /// A key on an elliptic curve, or a post-quantum key. One try takes a tenth of a millisecond.
    Other,
}

/// Each key group of a file adds one try of an RSA key, up to this number of groups. Real files have far fewer groups. sops
/// allows 255 groups, and a try for each of 255 groups would take seconds.
const MOST_RSA_GROUPS: usize = 64;

/// The numbers of tries that are left, for RSA keys and for all other keys.
#[derive(Debug)]
pub(crate) struct Tries {
    rsa: AtomicUsize,
    other: AtomicUsize,
    /// Whether a try was refused because no such try was left.
    was_refused: AtomicBool,
}

impl Tries {
    /// The guesses of one file: eight tries of RSA keys, and four thousand tries of other keys. The second number is enough to
    /// try four keys on each of a thousand entries.
    pub(crate) const fn of_file() -> Self {
        Self::new(8, 4_000)
    }

    /// The tries of one file for keys that its entries name. sops writes one message for each key and key group, and the first
    /// good message opens the group. The additional tries are for damaged messages.
    fn of_names(groups: usize, entries: usize) -> Self {
        Self::new(groups.min(MOST_RSA_GROUPS) + 7, entries + 4_000)
    }

    /// The tries that all files of a run share. A file takes one of these tries when its own tries are used up.
    pub(crate) const fn of_run() -> Self {
        Self::new(64, 12_000)
    }

    /// No tries at all.
    pub(crate) const fn none() -> Self {
        Self::new(0, 0)
    }

    const fn new(rsa: usize, other: usize) -> Self {
        Self {
            rsa: AtomicUsize::new(rsa),
            other: AtomicUsize::new(other),
            was_refused: AtomicBool::new(false),
        }
    }

    /// Takes one try of the kind `kind`. Returns `false` if no such try is left.
    pub(crate) fn take(&self, kind: KeyCost) -> bool {
        let left = match kind {
            KeyCost::Rsa => &self.rsa,
            KeyCost::Other => &self.other,
        };
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        self.was_refused.fetch_or(less.is_err(), Ordering::Relaxed);
        less.is_ok()
    }

    /// Whether a try was refused because no such try was left.
    pub(crate) fn was_refused(&self) -> bool {
        self.was_refused.load(Ordering::Relaxed)
    }
}

impl Default for Tries {
    fn default() -> Self {
        Self::of_run()
    }
}

/// The tries of one file: one number for keys that its entries name, and one for guesses.
pub(crate) struct FileTries {
    /// The tries of keys that entries of the file name.
    names: Tries,
    /// The tries of all other keys.
    guesses: Tries,
}

impl FileTries {
    pub(crate) fn new(groups: usize, entries: usize) -> Self {
        Self {
            names: Tries::of_names(groups, entries),
            guesses: Tries::of_file(),
        }
    }

    /// The tries for one recipient entry: first the tries of keys that the entry names, second the tries of other keys. `run`
    /// holds the tries that all files share.
    pub(crate) fn efforts<'t>(&'t self, run: &'t Tries) -> (Effort<'t>, Effort<'t>) {
        (Effort::new(&self.names, run), Effort::new(&self.guesses, run))
    }
}

/// The tries for one recipient entry: the tries of the file itself, and after them the tries that all files of the run share.
pub(crate) struct Effort<'t> {
    file: &'t Tries,
    run: &'t Tries,
    /// Whether a further try was refused, because all tries are used up.
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

    /// Takes one try from the tries of the file. If no try of the file is left, takes one from the shared tries. Returns `false`
    /// if no try is left at all.
    pub(crate) fn take(&self, kind: KeyCost) -> bool {
        let may = self.file.take(kind) || self.run.take(kind);
        self.is_spent.set(self.is_spent.get() || !may);
        may
    }

    /// Whether the limit refused a try, which means that at least one key was not tried.
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
