//! How often the keys at hand are tried. Each try takes time, and whoever changes a file chooses how many messages it has that look as
//! if they were for a key of this host.
//!
//! A file that sops wrote names the key of each message, and has one for each key and key group. So where an entry names the key that is
//! tried, no count keeps a file closed that sops wrote. The others are guesses, of which each file has some of its own, which no other
//! file can use up. The rest of both come from a number that all files of a run share.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// What is tried, by how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An RSA key: milliseconds, of a large key many.
    Rsa,
    /// A key on a curve, or a post-quantum one: a tenth of a millisecond.
    Other,
}

/// The most key groups of which each gets a try of an RSA key of its own. Nobody has so many; 255 of them, which sops allows, would take
/// seconds.
const MOST_RSA_GROUPS: usize = 64;

/// Tries that are left.
#[derive(Debug)]
pub(crate) struct Tries {
    rsa: AtomicUsize,
    other: AtomicUsize,
}

impl Tries {
    /// Of one file, for guesses: a thousand entries with four keys each, and eight messages for RSA keys.
    pub(crate) const fn of_file() -> Self {
        Self::new(8, 4_000)
    }

    /// Of one file, for keys that its entries name. sops writes one message for each, of which the first good one opens its group; a few
    /// more are for messages that are damaged.
    fn of_names(groups: usize, entries: usize) -> Self {
        Self::new(groups.min(MOST_RSA_GROUPS) + 7, entries + 4_000)
    }

    /// Of all files together, beyond those of their own.
    pub(crate) const fn of_run() -> Self {
        Self::new(64, 12_000)
    }

    const fn new(rsa: usize, other: usize) -> Self {
        Self {
            rsa: AtomicUsize::new(rsa),
            other: AtomicUsize::new(other),
        }
    }

    /// Takes one, if there is one left.
    pub(crate) fn take(&self, kind: Kind) -> bool {
        let left = match kind {
            Kind::Rsa => &self.rsa,
            Kind::Other => &self.other,
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

    /// What may be done for an entry: with keys that it names, and with others.
    pub(crate) fn efforts<'t>(&'t self, run: &'t Tries) -> (Effort<'t>, Effort<'t>) {
        (Effort::new(&self.names, run), Effort::new(&self.guesses, run))
    }
}

/// What may be done for an entry.
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

    /// Whether another try may be made.
    pub(crate) fn take(&self, kind: Kind) -> bool {
        let may = self.file.take(kind) || self.run.take(kind);
        self.is_spent.set(self.is_spent.get() || !may);
        may
    }

    /// Whether a try was not made.
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
        assert_eq!((0..1000).filter(|_| greedy.take(Kind::Rsa)).count(), 8 + 64);
        assert!(greedy.is_spent());
        let honest = Effort::new(&honest, &run);
        assert_eq!((0..8).filter(|_| honest.take(Kind::Rsa)).count(), 8);
        assert!(!honest.is_spent() && honest.take(Kind::Other));
    }

    #[test]
    fn guesses_take_nothing_from_keys_that_a_file_names() {
        let run = Tries::new(0, 0);
        let tries = FileTries::new(255, 10_000);
        let (named, other) = tries.efforts(&run);
        for kind in [Kind::Rsa, Kind::Other] {
            while other.take(kind) {}
        }
        assert_eq!((0..1000).filter(|_| named.take(Kind::Rsa)).count(), 64 + 7);
        assert_eq!((0..20_000).filter(|_| named.take(Kind::Other)).count(), 10_000 + 4_000);
    }
}
