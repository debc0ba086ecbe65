//! One sops file while its data key is looked for: which recipient entries were opened, and which data key they make together.

use super::{effort::FileTries, failure::EntryFailure, shamir};
use crate::{
    sops::{
        metadata::{KeyGroups, MasterKey},
        proof::KeyProof,
    },
    system::plaintext::Plaintext,
};

/// The search for the data key of one sops file. It ends when enough recipient entries are opened.
pub struct DataKeyRecovery {
    groups: Vec<Group>,
    /// How many groups are needed.
    needed: usize,
    proof: KeyProof,
    key: Option<Plaintext>,
    /// The numbers of identities and of OpenPGP keys of the keyring that were tried on the file. Keys are only added at the end, so all
    /// later ones are new.
    pub(crate) tried: (usize, usize),
}

/// Entries of which any one opens the group.
pub(crate) struct Group {
    pub entries: Vec<RecipientEntry>,
    is_open: bool,
}

/// One recipient entry of the metadata.
pub(crate) struct RecipientEntry {
    pub key: MasterKey,
    /// What kept it closed, each reason once.
    pub failures: Vec<EntryFailure>,
    /// The data key, or the share of it, that the entry gave.
    part: Option<Plaintext>,
    is_ours: bool,
}

/// An entry's place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryIndex {
    group: usize,
    entry: usize,
}

impl DataKeyRecovery {
    /// A file with these key groups, of which nothing is open yet. `proof` tells its data key from any other.
    #[must_use]
    pub fn new(groups: &KeyGroups, proof: KeyProof) -> Self {
        let count = groups.groups.len();
        // A file without a threshold needs all its groups, which is what sops assumes when it writes one.
        let threshold = if groups.threshold == 0 { count } else { groups.threshold };
        Self {
            groups: groups.groups.iter().map(|group| Group::new(&group.keys)).collect(),
            // Shamir's scheme makes no secret of which one share is enough, so a threshold of 1 counts as 2.
            needed: if count > 1 { threshold.max(2) } else { 1 },
            proof,
            key: None,
            tried: (0, 0),
        }
    }

    /// Whether the data key is found.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.key.is_some()
    }

    /// Takes the data key out. If the entries gave keys and none passed the proof, the one that sops takes is the best there is:
    /// decrypting with it tells what is wrong with the file.
    pub fn take_key(&mut self) -> Option<Plaintext> {
        self.key.take().or_else(|| self.candidate(None))
    }

    /// What its data key has to pass.
    #[must_use]
    pub fn proof(&self) -> &KeyProof {
        &self.proof
    }

    /// The open groups by their names, if the file has several.
    #[must_use]
    pub fn open_shares(&self) -> Vec<String> {
        let open = (1..).zip(&self.groups).filter(|(_, group)| group.is_open());
        let names = open.map(|(number, _)| format!("group {number}"));
        if self.groups.len() > 1 { names.collect() } else { Vec::new() }
    }

    /// How many groups are needed.
    pub(crate) fn needed(&self) -> usize {
        self.needed
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A new set of tries for this file, by its numbers of groups and entries.
    pub(crate) fn tries(&self) -> FileTries {
        let entries = self.groups.iter().map(|group| group.entries.len());
        FileTries::new(self.groups.len(), entries.sum())
    }

    /// Marks the entries for which `is_ours` holds, because they name a key of this host. They are tried first.
    pub(crate) fn mark(&mut self, is_ours: impl Fn(&MasterKey) -> bool) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_ours = is_ours(&entry.key);
        }
    }

    /// The closed entries that can still help: those of closed groups. If enough groups are open and still do not give the data key, the
    /// closed entries of open groups can help too.
    pub(crate) fn closed(&self) -> Vec<(EntryIndex, &MasterKey)> {
        let mut closed = Vec::new();
        if self.is_open() {
            return closed;
        }
        let is_enough = self.is_enough();
        for (group, content) in self.groups.iter().enumerate() {
            if is_enough || !content.is_open() {
                let entries = content.entries.iter().enumerate().filter(|(_, entry)| entry.part.is_none());
                closed.extend(entries.map(|(entry, content)| (EntryIndex { group, entry }, &content.key)));
            }
        }
        closed
    }

    /// Tries the closed entries with `open`, which gives `None` for an entry that it cannot try. An entry of an open group is passed over,
    /// until enough groups are open and do not give the data key: then all entries are tried. Stops when the data key is found.
    pub(crate) fn advance(&mut self, mut open: impl FnMut(EntryIndex, &MasterKey) -> Option<Result<Plaintext, EntryFailure>>) {
        let mut waiting = self.ours_first();
        while !self.is_open() && !waiting.is_empty() {
            let was_enough = self.is_enough();
            let mut indices = std::mem::take(&mut waiting).into_iter();
            for index in indices.by_ref() {
                if !was_enough && self.is_in_open_group(index) {
                    waiting.push(index);
                } else if self.try_entry(index, &mut open) && (self.is_open() || self.is_enough() != was_enough) {
                    break;
                }
            }
            if self.is_enough() == was_enough {
                return;
            }
            // Enough groups are open now, without giving the data key. So all entries that are left can help.
            waiting.extend(indices);
            waiting.sort_by_key(|index| self.rank(*index));
        }
    }

    /// Tries an entry. Returns whether it gave a data key or a share.
    fn try_entry(
        &mut self,
        index: EntryIndex,
        open: &mut impl FnMut(EntryIndex, &MasterKey) -> Option<Result<Plaintext, EntryFailure>>,
    ) -> bool {
        let is_share = self.groups.len() > 1;
        let Some(group) = self.groups.get_mut(index.group) else {
            return false;
        };
        let Some(entry) = group.entries.get_mut(index.entry) else {
            return false;
        };
        match open(index, &entry.key) {
            Some(Ok(part)) if is_part(&part, is_share) => {
                entry.part = Some(part);
                group.is_open = true;
                self.settle(index);
                return true;
            }
            Some(Ok(_)) => entry.fail(EntryFailure::BadLength),
            Some(Err(failure)) => entry.fail(failure),
            None => {}
        }
        false
    }

    /// All closed entries. Those that name a key of this host come first.
    fn ours_first(&self) -> Vec<EntryIndex> {
        let groups = self.groups.iter().enumerate();
        let all = groups.flat_map(|(group, content)| (0..content.entries.len()).map(move |entry| EntryIndex { group, entry }));
        let mut closed: Vec<_> = all
            .filter(|index| self.entry(*index).is_some_and(|entry| entry.part.is_none()))
            .collect();
        closed.sort_by_key(|index| self.rank(*index));
        closed
    }

    /// The sort key for the order of `ours_first`.
    fn rank(&self, index: EntryIndex) -> (bool, EntryIndex) {
        (self.entry(index).is_none_or(|entry| !entry.is_ours), index)
    }

    fn entry(&self, index: EntryIndex) -> Option<&RecipientEntry> {
        self.groups.get(index.group)?.entries.get(index.entry)
    }

    fn is_in_open_group(&self, index: EntryIndex) -> bool {
        self.groups.get(index.group).is_some_and(Group::is_open)
    }

    /// Whether as many groups are open as are needed.
    fn is_enough(&self) -> bool {
        self.open_groups() >= self.needed
    }

    fn open_groups(&self) -> usize {
        self.groups.iter().filter(|group| group.is_open()).count()
    }

    /// Looks whether the parts are the data key, now that there is a `new` one: the new one with the first of every other group, or the last
    /// of every group, as where two rotated branches were merged and each group has an old share before the right one.
    fn settle(&mut self, new: EntryIndex) {
        let is_key = |key: &Plaintext| self.proof.accepts(key);
        let has_choice = |(index, group): (usize, &Group)| index != new.group && group.part(None) != group.last_part();
        let of_last = || {
            let differs = self.groups.iter().enumerate().any(has_choice);
            differs.then(|| self.together(self.groups.iter().map(Group::last_part)))?
        };
        self.key = self.candidate(Some(new)).filter(is_key).or_else(|| of_last().filter(is_key));
    }

    /// What the parts could mean. sops takes the first part of every group. With a `new` part, that one stands for its group; so what
    /// sops takes is tried when the last of it comes.
    fn candidate(&self, new: Option<EntryIndex>) -> Option<Plaintext> {
        let groups = self.groups.iter().enumerate();
        self.together(groups.map(|(index, group)| group.part(new.filter(|new| new.group == index))))
    }

    /// What parts of the groups, one of each open group, could mean: one is the data key if there is one group, else shares of it are put
    /// together.
    fn together<'p>(&self, parts: impl Iterator<Item = Option<&'p [u8]>>) -> Option<Plaintext> {
        let parts: Vec<_> = parts.flatten().collect();
        match parts[..] {
            [only] if self.groups.len() == 1 => Some(Plaintext::from(only.to_vec())),
            _ if parts.len() < self.needed => None,
            _ => shamir::combine(&parts),
        }
    }
}

impl Group {
    fn new(keys: &[MasterKey]) -> Self {
        let entry = |key: &MasterKey| RecipientEntry {
            key: key.clone(),
            failures: Vec::new(),
            part: None,
            is_ours: false,
        };
        Self {
            entries: keys.iter().map(entry).collect(),
            is_open: false,
        }
    }

    /// Whether an entry of it was opened.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What the `new` one of its entries gave, or else the first that gave something.
    fn part(&self, new: Option<EntryIndex>) -> Option<&[u8]> {
        match new {
            Some(new) => self.entries.get(new.entry)?.part(),
            None => self.entries.iter().find_map(RecipientEntry::part),
        }
    }

    /// What the last of its entries gave that gave something.
    fn last_part(&self) -> Option<&[u8]> {
        self.entries.iter().rev().find_map(RecipientEntry::part)
    }
}

impl RecipientEntry {
    /// The data key, or share, that the entry gave.
    fn part(&self) -> Option<&[u8]> {
        Some(self.part.as_ref()?.expose())
    }

    fn fail(&mut self, failure: EntryFailure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}

/// Whether `part` is as long as a data key (16, 24 or 32 bytes), or as a share, which has its number as one more byte at the end.
fn is_part(part: &Plaintext, is_share: bool) -> bool {
    matches!(part.len().checked_sub(usize::from(is_share)), Some(16 | 24 | 32))
}
