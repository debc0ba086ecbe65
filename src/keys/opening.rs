//! One file on its way to its data key: what its entries gave so far, and what they are together.

use std::sync::Arc;

use super::{
    Failure,
    choices::{Slot, choices},
    effort::Tries,
    shamir,
};
use crate::{
    plaintext::Plaintext,
    sops::{
        metadata::{KeyGroups, MasterKey},
        proof::KeyProof,
    },
};

/// The most ways to put the shares of a file together that are tried, besides the one that sops would try. More than a few are there
/// only where shares are wrong.
const MOST_CHOICES: usize = 600;

/// One file on its way to its data key.
pub struct Opening {
    groups: Vec<Group>,
    /// How many groups are needed.
    needed: usize,
    proof: KeyProof,
    key: Option<Plaintext>,
    /// How often keys may still be tried on it.
    pub(super) tries: Arc<Tries>,
    /// How many identities of the keyring were tried on it.
    pub(super) tried: usize,
    /// How many ways to put its parts together were tried.
    pub(super) combined: usize,
}

/// Entries of which any one opens the group.
pub(super) struct Group {
    pub entries: Vec<Entry>,
}

/// One entry of the metadata.
pub(super) struct Entry {
    pub key: MasterKey,
    /// What kept it closed, each reason once.
    pub failures: Vec<Failure>,
    part: Option<Plaintext>,
    is_ours: bool,
    is_tried: bool,
}

/// An entry's place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    group: usize,
    entry: usize,
}

impl Opening {
    /// A file with these groups of keys, whose data key passes `proof`.
    #[must_use]
    pub fn new(groups: &KeyGroups, proof: KeyProof) -> Self {
        let count = groups.groups.len();
        let threshold = if groups.threshold == 0 { count } else { groups.threshold };
        Self {
            groups: groups.groups.iter().map(|group| Group::new(&group.keys)).collect(),
            // One share alone is never a secret that was shared.
            needed: if count > 1 { threshold.max(2) } else { 1 },
            proof,
            key: None,
            tries: Arc::new(Tries::of_file()),
            tried: 0,
            combined: 0,
        }
    }

    /// Whether the data key is found.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.key.is_some()
    }

    /// Takes the data key out. Where the entries gave keys and none passed the proof, the first of them is the best there is: decrypting
    /// with it tells what is wrong with the file.
    pub fn take_key(&mut self) -> Option<Plaintext> {
        self.key.take().or_else(|| {
            let mut choices = self.choices(None, MOST_CHOICES).into_iter();
            choices.find_map(|parts| self.candidate(&parts))
        })
    }

    /// What its data key has to pass.
    #[must_use]
    pub fn proof(&self) -> &KeyProof {
        &self.proof
    }

    /// How many groups are needed.
    pub(super) fn needed(&self) -> usize {
        self.needed
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Marks the entries that name a key of this host: they are tried first.
    pub(super) fn mark(&mut self, is_ours: impl Fn(&MasterKey) -> bool) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_ours = is_ours(&entry.key);
        }
    }

    /// The closed entries that are still of use: those of closed groups, and all of them where the open groups would be enough and do
    /// not give the data key.
    pub(super) fn closed(&self) -> Vec<(Spot, &MasterKey)> {
        let mut closed = Vec::new();
        if self.is_open() {
            return closed;
        }
        let is_enough = self.open_groups() >= self.needed;
        for (group, content) in self.groups.iter().enumerate() {
            if is_enough || !content.is_open() {
                let entries = content.entries.iter().enumerate().filter(|(_, entry)| entry.part.is_none());
                closed.extend(entries.map(|(entry, content)| (Spot { group, entry }, &content.key)));
            }
        }
        closed
    }

    /// Tries the closed entries with `open`, which gives nothing where it has no say: one after the other until each group is open, and,
    /// where that is enough and does not give the data key, all others. Stops when the data key is found.
    pub(super) fn advance(&mut self, mut open: impl FnMut(Spot, &MasterKey) -> Option<Result<Plaintext, Failure>>) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_tried = false;
        }
        while let Some(spot) = self.next() {
            let is_share = self.groups.len() > 1;
            let Some(entry) = self.entry_mut(spot) else { return };
            entry.is_tried = true;
            match open(spot, &entry.key) {
                Some(Ok(part)) if is_part(&part, is_share) => {
                    entry.part = Some(part);
                    self.settle(spot);
                }
                Some(Ok(_)) => entry.fail(Failure::BadLength),
                Some(Err(failure)) => entry.fail(failure),
                None => {}
            }
        }
    }

    /// The next entry that is worth trying.
    fn next(&self) -> Option<Spot> {
        let closed = self.closed().into_iter().map(|(spot, _)| spot);
        closed
            .filter(|spot| self.entry(*spot).is_some_and(|entry| !entry.is_tried))
            .min_by_key(|spot| self.entry(*spot).is_none_or(|entry| !entry.is_ours))
    }

    fn entry(&self, spot: Spot) -> Option<&Entry> {
        self.groups.get(spot.group)?.entries.get(spot.entry)
    }

    fn entry_mut(&mut self, spot: Spot) -> Option<&mut Entry> {
        self.groups.get_mut(spot.group)?.entries.get_mut(spot.entry)
    }

    fn open_groups(&self) -> usize {
        self.groups.iter().filter(|group| group.is_open()).count()
    }

    /// Looks whether the parts are the data key, now that there is a `new` one. Half of the ways that are left are kept for parts yet to
    /// come, and one is there in any case.
    fn settle(&mut self, new: Spot) {
        let most = 1 + MOST_CHOICES.saturating_sub(self.combined) / 2;
        let mut combined = 0;
        let choices = self.choices(Some(new), most).into_iter().inspect(|_| combined += 1);
        let key = choices
            .filter_map(|choice| self.candidate(&choice))
            .find(|key| self.proof.accepts(key));
        self.combined += combined;
        self.key = key;
    }

    /// At most `most` ways to take parts of as many groups as are needed, or more. With the `new` part, if there is one.
    fn choices(&self, new: Option<Spot>, most: usize) -> Vec<Vec<&[u8]>> {
        let open = self.groups.iter().enumerate().filter(|(_, group)| group.is_open());
        let slots: Vec<_> = open
            .map(|(group, content)| content.slot(new.filter(|new| new.group == group)))
            .collect();
        choices(&slots, self.needed, most)
    }

    /// What the parts could mean: one is the data key where there is one group, else shares of it are put together.
    fn candidate(&self, parts: &[&[u8]]) -> Option<Plaintext> {
        match parts {
            [only] if self.groups.len() == 1 => Some(Plaintext::from(only.to_vec())),
            shares => shamir::combine(shares),
        }
    }
}

impl Group {
    fn new(keys: &[MasterKey]) -> Self {
        let entry = |key: &MasterKey| Entry {
            key: key.clone(),
            failures: Vec::new(),
            part: None,
            is_ours: false,
            is_tried: false,
        };
        Self {
            entries: keys.iter().map(entry).collect(),
        }
    }

    /// Whether an entry of it was opened.
    pub fn is_open(&self) -> bool {
        self.parts().next().is_some()
    }

    /// What its entries gave.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter_map(Entry::part)
    }

    /// What its entries gave; that of the `new` one alone, if it has it.
    fn slot(&self, new: Option<Spot>) -> Slot<'_> {
        let new = new.and_then(|new| self.entries.get(new.entry)?.part());
        Slot {
            parts: new.map_or_else(|| self.parts().collect(), |new| vec![new]),
            is_fixed: new.is_some(),
        }
    }
}

impl Entry {
    /// What it gave.
    fn part(&self) -> Option<&[u8]> {
        Some(self.part.as_ref()?.expose())
    }

    fn fail(&mut self, failure: Failure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}

/// Whether it is as long as a data key, or as a share of one, which has its number behind it.
fn is_part(part: &Plaintext, is_share: bool) -> bool {
    matches!(part.len().checked_sub(usize::from(is_share)), Some(16 | 24 | 32))
}
